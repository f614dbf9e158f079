"""The screens: they show state and collect intent."""
