"""Rules over many repositories: what goes, what is in use, what was pulled when."""
