"""Prints what users may read, as it stands in the code: `make sentences`. For reading it through once, by the rule of
the glossary: plain present-day English, the subject named, one word for one thing.

A line a sentence: its file and line, then the text, `{}` where a value stands. Docstrings and what is too short to be a
sentence are left out.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

# Two words, the first of letters: what is shown, not a name, a path or a pattern.
_WORDS = re.compile(r"[A-Za-z][A-Za-z'’-]* +[A-Za-z{(]")
# CSS, SQL, shell and help texts of ids are no sentences.
_CODE = re.compile(r"[;]\s*\n|^\s*(?:SELECT|INSERT|CREATE|DELETE|UPDATE|PRAGMA)\b|\{\s*\n|\$\{|^\s*#")


def texts_of(source: str) -> Iterator[tuple[int, str]]:
    """(line, text) of each string that may be shown."""
    tree = ast.parse(source)
    described = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    standing_alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)} | described
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if id(node) in standing_alone or id(node) in inside:
            continue
        if isinstance(node, ast.JoinedStr):
            text = "".join(
                part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else "{}"
                for part in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        if _WORDS.search(text) and not _CODE.search(text):
            yield node.lineno, " ".join(text.split())


def main(root: Path) -> None:
    for file in sorted(root.rglob("*.py")):
        for line, text in texts_of(file.read_text(encoding="utf-8")):
            sys.stdout.write(f"{file}:{line}\t{text}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "regtui"))
