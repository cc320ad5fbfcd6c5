"""The details of an image, in tabs."""
