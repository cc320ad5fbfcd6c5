"""What the tests stand on: real registries, real content, and other people's clients to check against."""
