//! The upload: sources, plan, check, transfer through the commit gate, report.
