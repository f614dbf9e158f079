"""The practice world: an embedded AWS, scenarios, and what is said about how they were walked."""
