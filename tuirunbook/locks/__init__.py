"""AWS: clients from backend settings, the two lock stores, the state object."""
