"""States and their locks without an incident: what `status`, `locks` and the States screen show."""
