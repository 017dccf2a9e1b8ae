"""Dataset services that are not ours: what any team could have written."""
