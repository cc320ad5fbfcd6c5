"""The config file: what is wrong with it is said by file and key; what we write keeps what was there."""

from dataclasses import replace
from pathlib import Path

import pytest

from regtui.errors import SettingsError
from regtui.registry.address import Address
from regtui.registry.tls import TlsSettings
from regtui.settings.config import Config, Profile
from regtui.settings.paths import write_following
from regtui.ssh.destination import Destination

WRITTEN_BY_HAND = """\
# my registries
default = "prod"   # the real one

[registries.prod]
address = "https://registry.example.com"
insecure = true
# never touch these
protect = ["stable"]
unknown_key = 1

[other]
x = 1

[registries.test]
address = "localhost:5000"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "regtui" / "config.toml"


def load(file: Path, text: str) -> Config:
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return Config.load(file)


def test_every_key(file: Path) -> None:
    config = load(
        file,
        """
        default = "prod"
        theme = "nord"
        driver = "stock"
        colors = 16
        protect = ["latest"]
        [registries.prod]
        address = "https://registry.example.com/reg"
        username = "ci"
        ca_file = "~/internal.pem"
        client_cert = "/c.pem"
        client_key = "/k.pem"
        insecure = true
        read_only = true
        protect = ["v*"]
        timeout = 5
        via = "admin@host:2222"
        repositories = ["team/app"]
        [registries."other.example.com"]
        """,
    )
    assert (config.default, config.theme, config.protect) == ("prod", "nord", ("latest",))
    assert (config.driver, config.colors) == ("stock", 16)
    assert config.profiles["prod"] == Profile(
        name="prod",
        address=Address("https", "registry.example.com", None, "/reg"),
        username="ci",
        tls=TlsSettings(Path.home() / "internal.pem", Path("/c.pem"), Path("/k.pem"), insecure=True),
        read_only=True,
        protect=("latest", "v*"),
        timeout=5.0,
        via=Destination("host", "admin", 2222),
        repositories=("team/app",),
    )
    assert config.profiles["other.example.com"].address == Address("", "other.example.com")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("default = 5", "default"),
        ("driver = 'fast'", "driver"),
        ("colors = 8", "colors"),
        ("colors = true", "colors"),
        ("protect = 'latest'", "protect"),
        ("protect = [5]", "protect"),
        ("registries = 5", "registries"),
        ("registries.prod = 5", "registries.prod"),
        ("[registries.prod]\naddress = 5", "registries.prod.address"),
        ("[registries.prod]\naddress = 'user:pw@h'", "registries.prod.address"),
        ("[registries.'not a host']", "registries.not a host.address"),
        ("[registries.prod]\ninsecure = 'no'", "registries.prod.insecure"),
        ("[registries.prod]\nread_only = 1", "registries.prod.read_only"),
        ("[registries.prod]\ntimeout = 0", "registries.prod.timeout"),
        ("[registries.prod]\ntimeout = true", "registries.prod.timeout"),
        ("[registries.prod]\nca_file = []", "registries.prod.ca_file"),
        ("[registries.prod]\nvia = '-oProxyCommand=x'", "registries.prod.via"),
        ("[registries.prod]\nvia = 5", "registries.prod.via"),
        ("[registries.prod]\nrepositories = ['host:5000/Name']", "registries.prod.repositories"),
    ],
)
def test_what_is_wrong_is_named_by_file_and_key(file: Path, text: str, key: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(file, text)
    assert str(file) in caught.value.message
    assert f" {key}: " in caught.value.message


def test_files_that_cant_be_read(file: Path) -> None:
    with pytest.raises(SettingsError, match="There is no config file"):
        Config.load(file)
    with pytest.raises(SettingsError, match="no valid TOML"):
        load(file, "default = ")
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="can't be read"):
        Config.load(file)
    with pytest.raises(SettingsError, match="can't be read"):
        Config.load(file.parent)


def test_no_file_at_the_usual_place_is_an_empty_config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("regtui.settings.config.config_file", lambda: tmp_path / "none.toml")
    assert Config.load() == Config(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("text", "key", "meant"),
    [
        ('protected = ["latest"]', "protected", "protect"),
        ("[registries.prod]\nreadonly = true", "registries.prod.readonly", "read_only"),
        ('[registries.prod]\nadress = "http://a"', "registries.prod.adress", "address"),
        ('[registry.prod]\naddress = "http://a"', "registry", "registries"),
    ],
)
def test_a_misspelt_key_is_told(file: Path, text: str, key: str, meant: str) -> None:
    """What a misspelt `protect` or `read_only` was to keep would be deleted."""
    with pytest.raises(SettingsError) as caught:
        load(file, text)
    assert caught.value.message.endswith(f"has something wrong at {key}: there is no such key.")
    assert caught.value.remedy == f"Is {meant} meant?"


def test_patterns_that_protect_nothing_are_told_where_they_stand(file: Path) -> None:
    """An expression where a shell pattern is meant: the tags it was to keep would be deleted."""
    config = load(file, 'protect = ["^latest$", "v*"]\n[registries.prod]\nprotect = ["stable|lts", "a"]\n')
    assert config.warnings == (
        f'The config file {file}: protect protects nothing by "^latest$": shell patterns are meant (* ? [a-z]), '
        'not expressions. Write "latest".',
        f'The config file {file}: registries.prod.protect protects nothing by "stable|lts": shell patterns are meant '
        "(* ? [a-z]), not expressions.",
    )
    assert load(file, WRITTEN_BY_HAND).warnings == ()


def test_a_file_that_is_no_text_is_told_in_words(file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"default = '\xff'")
    with pytest.raises(SettingsError, match=r"can't be read: it is no UTF-8 text\."):
        Config.load(file)


def test_comments_and_unknown_keys_survive(file: Path) -> None:
    config = load(file, WRITTEN_BY_HAND).remember_theme("nord")
    config.remember_profile(Profile("new", Address.parse("http://new:5000")), as_default=False)
    text = file.read_text()
    for line in WRITTEN_BY_HAND.splitlines():
        assert line in text
    read = Config.load(file)
    assert (read.theme, read.default, set(read.profiles)) == ("nord", "prod", {"prod", "test", "new"})


PROFILES = [
    Profile("new", Address.parse("http://new:5000")),
    Profile("with.dots:5000/and-slash", Address.parse("with.dots:5000/and-slash"), username="ci"),
    Profile(
        "prod",
        Address.parse("https://registry.example.com"),
        tls=TlsSettings(Path("/ca.pem"), Path("/c.pem"), Path("/k.pem"), insecure=True),
        read_only=True,
        protect=("latest", "mine"),
        timeout=2.5,
    ),
]


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
@pytest.mark.parametrize("before", [None, 'protect = ["latest"]\n', WRITTEN_BY_HAND], ids=["no file", "flat", "tables"])
def test_a_profile_that_is_written_is_read_back(file: Path, before: str | None, profile: Profile) -> None:
    config = Config(file) if before is None else load(file, before)
    config = config.remember_profile(profile, as_default=True)
    read = Config.load(file)
    assert read.default == config.default == profile.name
    # What the file protects everywhere is protected here too.
    everywhere = tuple(pattern for pattern in read.protect if pattern not in profile.protect)
    assert read.profiles[profile.name] == replace(profile, protect=everywhere + profile.protect)


def test_what_was_switched_off_is_off(file: Path) -> None:
    config = load(file, WRITTEN_BY_HAND)
    assert config.profiles["prod"].tls.insecure
    config.remember_profile(Profile("prod", Address.parse("https://registry.example.com")), as_default=False)
    read = Config.load(file).profiles["prod"]
    assert not read.tls.insecure
    # What it protects isn't lost by saving something else.
    assert read.protect == ("stable",)


def test_files_are_for_this_user_alone(file: Path) -> None:
    Config(file).remember_theme("nord")
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert list(file.parent.iterdir()) == [file]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    dotfiles, link = tmp_path / "dotfiles" / "config.toml", tmp_path / "config" / "config.toml"
    dotfiles.parent.mkdir()
    link.parent.mkdir()
    dotfiles.write_text("")
    link.symlink_to(dotfiles)
    write_following(link, "theme = 'nord'")
    assert link.is_symlink()
    assert dotfiles.read_text() == "theme = 'nord'"
    assert list(link.parent.iterdir()) == [link]


def test_a_file_that_cant_be_written_is_said_and_left_whole(file: Path) -> None:
    config = load(file, WRITTEN_BY_HAND)
    file.write_text("broken = ")
    with pytest.raises(SettingsError, match="can't be written"):
        config.remember_theme("nord")
    assert file.read_text() == "broken = "
    file.unlink()
    file.mkdir()
    with pytest.raises(SettingsError, match="can't be written"):
        config.remember_theme("nord")
    assert list(file.parent.iterdir()) == [file]
