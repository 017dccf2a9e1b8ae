"""The progress of an upload: snapshots, and what shows them (a bar, log lines, a callable)."""
