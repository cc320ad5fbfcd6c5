"""What the user decided and is remembered: config file, profiles, credentials."""
