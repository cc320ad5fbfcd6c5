"""`[registries.NAME.in_use]`: what a misspelt key names would count as unused."""

from pathlib import Path

import pytest

from regtui.errors import SettingsError
from regtui.retention.settings import InUseSettings
from regtui.settings.config import Config


def load(tmp_path: Path, *lines: str) -> InUseSettings:
    file = tmp_path / "config.toml"
    file.write_text("\n".join(["[registries.prod]", 'address = "registry.example.com"', *lines]))
    return Config.load(file).profiles["prod"].in_use


def test_all_keys(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        "[registries.prod.in_use]",
        'docker = ["deploy@app1", "local"]',
        'kubectl = ["prod"]',
        'files = ["~/gitops/**/*.yaml"]',
        'command = "list-images"',
    )
    assert found == InUseSettings(("deploy@app1", "local"), ("prod",), ("~/gitops/**/*.yaml",), "list-images")
    assert not found.is_empty
    assert load(tmp_path).is_empty


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('dockers = ["app1"]', "in_use.dockers: it should be one of docker, kubectl, files, command"),
        ('docker = ["-oProxyCommand=x"]', "in_use.docker: '-oProxyCommand=x' is no SSH destination"),
        ('docker = "app1"', "in_use.docker: it should be a list of texts"),
        ('files = [""]', "in_use.files: it should be a list of texts, none of them empty"),
        ("command = 3", "in_use.command: it should be a text"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, line: str, says: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load(tmp_path, "[registries.prod.in_use]", line)
    assert says in raised.value.message
