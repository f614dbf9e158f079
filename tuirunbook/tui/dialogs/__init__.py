"""Modal screens: they ask, and hand back what was said."""
