"""`python -m benchmarks [--save] [NAME …]`: without a name, all of them."""

import argparse
import pkgutil
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import NamedTuple

import benchmarks
from benchmarks.support.document import save
from benchmarks.support.machine import described
from benchmarks.support.table import Table


class Benchmark(NamedTuple):
    name: str
    title: str
    run: Callable[[], Iterable[Table]]


def found() -> dict[str, Benchmark]:
    """Every module of this package that has a `run`, by its name."""
    names = [module.name for module in pkgutil.iter_modules(benchmarks.__path__) if not module.ispkg]
    modules = {name: import_module(f"benchmarks.{name}") for name in sorted(names) if name != "__main__"}
    return {
        name: Benchmark(name, (module.__doc__ or name).splitlines()[0].rstrip("."), module.run)
        for name, module in modules.items()
        if hasattr(module, "run")
    }


def main() -> None:
    known = found()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=benchmarks.__doc__)
    parser.add_argument("names", metavar="NAME", nargs="*", help=", ".join(known), choices=[[], *known])
    parser.add_argument("--save", action="store_true", help="put the results into docs/benchmarks.md")
    parser.add_argument("--list", action="store_true", help="name them, and run none")
    arguments = parser.parse_args()
    chosen = [known[name] for name in arguments.names or known]
    if arguments.list:
        for benchmark in chosen:
            print(f"{benchmark.name:<12} {benchmark.title}")
        return
    print(described(), end="\n\n")
    for benchmark in chosen:
        print(f"# {benchmark.name}: {benchmark.title}\n", flush=True)
        tables = []
        for table in benchmark.run():
            print(table.text(), end="\n\n", flush=True)
            tables.append(table)
        if arguments.save:
            save(benchmark.name, benchmark.title, tables, described())


if __name__ == "__main__":
    main()
