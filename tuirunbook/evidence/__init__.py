"""Sources of findings about a lock's holder."""
