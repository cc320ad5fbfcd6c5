"""Images of which something is gone: what that is, where its bytes can be had, and putting them back."""
