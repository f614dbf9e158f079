"""Running terraform so that it never leaves a lock behind."""
