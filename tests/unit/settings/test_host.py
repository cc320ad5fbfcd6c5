"""Where a registry runs, as the config file says it."""

from pathlib import Path

import pytest

from regtui.errors import SettingsError
from regtui.host.profile import HostSettings
from regtui.session.resolving import target_for
from regtui.settings.config import Config


def load(path: Path, text: str) -> Config:
    file = path / "config.toml"
    file.write_text(f'[registries.prod]\naddress = "https://registry.example.com"\n{text}')
    return Config.load(file)


def test_what_is_said_about_the_host_reaches_the_target(tmp_path: Path) -> None:
    config = load(tmp_path, '[registries.prod.host]\nssh = "deploy@host"\nruntime = "podman"\nsudo = true\n')
    target = target_for(config.profiles["prod"], None)
    assert target.runs_at == HostSettings(ssh="deploy@host", runtime="podman", sudo=True)


def test_without_it_nothing_is_said(tmp_path: Path) -> None:
    assert load(tmp_path, "").profiles["prod"].host is None


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('contaner = "registry"', "host.contaner"),
        ('runtime = "lxc"', "host.runtime"),
        ('sudo = "yes"', "host.sudo"),
        ("ssh = 22", "host.ssh"),
    ],
)
def test_a_key_that_is_wrong_or_unknown_is_named(tmp_path: Path, line: str, key: str) -> None:
    """A misspelt key must not send a collection to another container."""
    with pytest.raises(SettingsError, match=rf"registries\.prod\.{key}"):
        load(tmp_path, f"[registries.prod.host]\n{line}\n")


def test_a_saved_profile_keeps_what_it_says_about_the_host(tmp_path: Path) -> None:
    config = load(tmp_path, '[registries.prod.host]\nssh = "deploy@host"\n')
    config.remember_profile(config.profiles["prod"], as_default=True)
    assert Config.load(config.path).profiles["prod"].host == HostSettings(ssh="deploy@host")
