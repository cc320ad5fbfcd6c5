"""Pictures of the app, made from the code as it is: `make screenshots`."""
