"""What the name of a tag says: how names sort, and what is a version, a date, a commit … Pure, from names alone."""
