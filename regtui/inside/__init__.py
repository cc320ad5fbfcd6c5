"""What is in an image, and what is attached to it, read over HTTP alone."""
