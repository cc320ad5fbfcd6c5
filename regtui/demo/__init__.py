"""The sample registry that `regtui demo` shows, and its garbage collector."""
