"""The command line: one module a command, output forms, exit codes."""
