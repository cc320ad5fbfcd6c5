"""What the garbage screen is made of: what is freed, the stages, the commands and the log, how pushes are kept out."""
