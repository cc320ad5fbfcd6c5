"""Finds the TCSS: `styles/` stands beside the package in a checkout and inside it in a wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).parents[1]


def style_path(name: str) -> Path:
    """The absolute path of `styles/NAME` (a relative one would be resolved against a subclass's file).

    Raises FileNotFoundError: then the installation is broken.
    """
    for directory in (_PACKAGE / "styles", _PACKAGE.parent / "styles"):
        if (path := directory / name).is_file():
            return path
    raise FileNotFoundError(f"styles/{name} is missing: regtui is not installed whole")
