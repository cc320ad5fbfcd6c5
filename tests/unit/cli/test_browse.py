"""Where the app opens: at a registry, or at what is named with it or beside it."""

from pathlib import Path

import pytest

from regtui.cli.arguments import parse
from regtui.cli.browse import _target
from regtui.cli.invocation import Invocation
from regtui.errors import UsageError
from regtui.session.target import Target

CONFIG = """
[registries.prod]
address = "https://registry.example.com"
[registries.below]
address = "https://apps.example.com/reg"
"""


def target_of(tmp_path: Path, *argv: str) -> Target:
    file = tmp_path / "config.toml"
    file.write_text(CONFIG)
    arguments = parse([*argv, "--config", str(file)])
    found = _target(Invocation(arguments), arguments)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("argv", "address", "opens_at"),
    [
        (["prod"], "https://registry.example.com", ("", "")),
        (["prod/team/app:1.0"], "https://registry.example.com", ("team/app", "1.0")),
        (["apps.example.com/reg/team/app:1.0"], "https://apps.example.com/reg", ("team/app", "1.0")),
        (["-r", "prod", "team/app:1.0"], "https://registry.example.com", ("team/app", "1.0")),
        (["-r", "other.example.com/x", "app"], "other.example.com/x", ("app", "")),
        (["-r", "below", f"app@sha256:{'a' * 64}"], "https://apps.example.com/reg", ("app", f"sha256:{'a' * 64}")),
    ],
)
def test_where_it_opens(tmp_path: Path, argv: list[str], address: str, opens_at: tuple[str, str]) -> None:
    found = target_of(tmp_path, *argv)
    assert (str(found.address), found.opens_at) == (address, opens_at)


def test_two_registries_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Two registries are named"):
        target_of(tmp_path, "-r", "prod", "below")


def test_what_is_guessed_says_how_else_it_could_be_meant(tmp_path: Path) -> None:
    guessed = target_of(tmp_path, "other.example.com/reg/app:1")
    assert "-r other.example.com/reg app:1" in guessed.prefix_hint
    assert target_of(tmp_path, "apps.example.com/reg/app:1").prefix_hint == ""
    # What the hint says is taken as it is meant.
    assert target_of(tmp_path, "-r", "other.example.com/reg", "app:1").prefix_hint == ""
