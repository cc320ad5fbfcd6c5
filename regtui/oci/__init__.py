"""What the OCI and Docker specifications define, as immutable values: parse, validate, compare. No I/O."""
