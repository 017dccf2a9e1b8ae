"""This package and its peers, measured side by side: `make bench`, and docs/performance.md."""
