"""A registry in memory behind an httpx transport, and the sample content that `regtui demo` shows."""
