"""How far an upload is: the snapshot, and what shows it (a bar, a log line, a callable)."""
