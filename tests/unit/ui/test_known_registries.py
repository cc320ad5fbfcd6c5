"""What the connect screen offers before anything is typed."""

from pathlib import Path

from regtui.settings.config import Config
from regtui.settings.credentials import Credentials
from regtui.ui.screens.known_registries import known_registries


def test_profiles_of_one_address_are_told_apart_by_the_way_they_are_reached(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(
        """
[registries.prod]
address = "http://127.0.0.1:5000"
via = "ops@prod"
[registries.staging]
address = "http://127.0.0.1:5000"
via = "ops@staging"
"""
    )
    known = {each.name: each.where for each in known_registries(Config.load(file), Credentials())}
    assert known["prod"] == "http://127.0.0.1:5000 via ops@prod"
    assert known["staging"] == "http://127.0.0.1:5000 via ops@staging"
