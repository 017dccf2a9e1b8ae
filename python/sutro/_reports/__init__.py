"""Reports of uploads and checks: as values, as text and as HTML."""
