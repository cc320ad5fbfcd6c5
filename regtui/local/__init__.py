"""Registries without a server, behind the client's transport: what they store is exchangeable."""
