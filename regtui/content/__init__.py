"""What was read once isn't read again: manifests and configs by digest, in memory and on disk."""
