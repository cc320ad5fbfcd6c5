"""Where a registry runs: which machine, in which runtime, with which config, storage and cache."""
