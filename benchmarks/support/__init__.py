"""What the benchmarks share: tables, timing, servers with thousands of tags, and the machine in words."""
