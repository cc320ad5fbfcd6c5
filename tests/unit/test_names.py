"""A name means one thing in the whole project: whoever reads it in a trace, a test or a search knows which it is."""

import ast
from collections import defaultdict
from pathlib import Path

import regtui

PRODUCT = Path(regtui.__file__).parent


def test_the_name_of_a_class_occurs_once() -> None:
    """Messages are named within the widget that sends them, as Textual's are."""
    found: dict[str, list[str]] = defaultdict(list)
    for file in PRODUCT.rglob("*.py"):
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.ClassDef):
                found[node.name].append(str(file.relative_to(PRODUCT)))
    assert {name: sorted(files) for name, files in found.items() if len(files) > 1} == {}
