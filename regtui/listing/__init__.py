"""What a person browses: repositories, tags, the details of an image; their order, marks and filters."""
