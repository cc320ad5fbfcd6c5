"""Side-by-side measurements: `python -m benchmarks [NAME …]`. What they showed is in docs/benchmarks.md.

A benchmark is a module of this package with a docstring, whose first line is its title, and a function

    def run() -> Iterable[Table]

It starts what it needs itself (tests/support has the servers), and takes everything that it compares in one run, turn
by turn, so that a busy moment of the machine hits all of it: the ratios count, not the seconds.
"""
