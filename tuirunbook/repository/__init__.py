"""A checkout: root modules, backends, workspaces and who works on them."""
