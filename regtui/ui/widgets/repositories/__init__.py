"""The repositories of the registry."""
