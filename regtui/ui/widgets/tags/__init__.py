"""The tags of a repository."""
