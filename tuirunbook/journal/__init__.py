"""The incident on disk: append, read back, list, export."""
