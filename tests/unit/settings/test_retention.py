"""Retention in the config file: the entries in their order, with the lines where they begin; mistakes by their key."""

from datetime import timedelta
from pathlib import Path

import pytest

from regtui.deletion.rules import KeepBy
from regtui.errors import SettingsError
from regtui.retention.policy import entry_for
from regtui.settings.config import Config, Profile

HEAD = """\
# what stays and what goes
[registries.prod]
address = "https://registry.example.com"
"""


def profile(tmp_path: Path, text: str, name: str = "prod") -> Profile:
    file = tmp_path / "config.toml"
    file.write_text(text)
    return Config.load(file).profiles[name]


def test_entries_are_read_in_their_order_with_their_lines(tmp_path: Path) -> None:
    prod = profile(
        tmp_path,
        HEAD
        + """\
also_known_as = ["registry.internal:5000", "10.0.0.7:5000/reg"]
gc_when = "5 GB"
notify = ["mail-admin", "--subject", "prune"]

[[registries.prod.retention]]
repositories = ["fullstack/*"]
keep = 10
keep_by = "version"
older_than = "30d"
not_pulled_for = "90d"

[[registries.prod.retention]]   # the rest
repositories = ["*"]
match = "^dev-"
keep_match = "^dev-main"
prereleases = true
""",
    )
    assert prod.also_known_as == ("registry.internal:5000", "10.0.0.7:5000/reg")
    assert prod.gc_when == 5_000_000_000
    assert prod.notify == ("mail-admin", "--subject", "prune")
    first, second = prod.retention
    assert (first.line, first.number, first.repositories) == (8, 1, ("fullstack/*",))
    assert (first.rule.keep, first.rule.keep_by) == (10, KeepBy.VERSION)
    assert first.rule.older_than == timedelta(days=30)
    assert first.rule.not_pulled_for == timedelta(days=90)
    assert (second.line, second.place) == (15, "line 15")
    assert second.rule.prereleases
    assert second.rule.keep_match is not None
    assert entry_for(prod.retention, "fullstack/a/b") is first
    assert entry_for(prod.retention, "other") is second


def test_nothing_is_said_where_nothing_stands(tmp_path: Path) -> None:
    prod = profile(tmp_path, HEAD)
    assert (prod.retention, prod.also_known_as, prod.gc_when, prod.notify) == ((), (), None, ())


@pytest.mark.parametrize(
    "text",
    [
        '[registries.prod]\nretention = [{ repositories = ["*"], keep = 1 }]\n',
        '[registries.prod]\nnote = """\n[[registries.prod.retention]]\n"""\n'
        '[[registries.prod.retention]]\nrepositories = ["*"]\n',
    ],
)
def test_a_line_that_is_not_sure_is_none(tmp_path: Path, text: str) -> None:
    (entry,) = profile(tmp_path, text).retention
    assert entry.place == "entry 1"


def test_the_line_is_found_below_a_quoted_name(tmp_path: Path) -> None:
    text = '[registries."my prod"]\naddress = "x.example"\n[[ registries."my prod".retention ]]\nrepositories = ["*"]\n'
    (entry,) = profile(tmp_path, text, "my prod").retention
    assert entry.line == 3


def test_an_entry_without_conditions_keeps_all(tmp_path: Path) -> None:
    (entry,) = profile(tmp_path, HEAD + '[[registries.prod.retention]]\nrepositories = ["golden/*"]\n').retention
    assert not entry.rule.selects


@pytest.mark.parametrize(
    ("lines", "wrong"),
    [
        ("keep = 3", "registries.prod.retention[1].repositories: it should be a list of shell patterns"),
        ("repositories = []\nkeep = 3", "retention[1].repositories: it should be a list of shell patterns"),
        ('repositories = "a"\nkeep = 3', "retention[1].repositories: it should be a list of texts"),
        ('repositories = ["*"]\nkeep = "3"', "retention[1].keep: it should be a whole number"),
        ('repositories = ["*"]\nkeep = true', "retention[1].keep: it should be a whole number"),
        ('repositories = ["*"]\nkeep = 0', "retention[1].keep: 0 keeps nothing."),
        ('repositories = ["*"]\nkeep = -1', "retention[1].keep: '-1' is no number of tags."),
        ('repositories = ["*"]\nkeep = 1\nkeep_images = 1', "retention[1].keep and keep_images both say"),
        ('repositories = ["*"]\nolder_than = "30"', "retention[1].older_than: '30' has no unit."),
        ('repositories = ["*"]\nolder_than = ""', "retention[1].older_than: it should be a text that isn't empty"),
        ('repositories = ["*"]\nmatch = ""', "retention[1].match: it should be a text that isn't empty"),
        ('repositories = ["*"]\nmatch = "("', "retention[1].match: '(' is no valid expression"),
        ('repositories = ["*"]\nnot_pulled_for = "x"', "retention[1].not_pulled_for: 'x' is no period of time."),
        (
            'repositories = ["*"]\nkeep = 1\nkeep_by = "size"',
            'retention[1].keep_by: it should be "created" or "version"',
        ),
        ('repositories = ["*"]\nkeep_mach = "x"', "retention[1].keep_mach: it should be one of repositories, match"),
        ('repositories = ["*"]\nkeep_match = "x"', "retention[1].repositories: it should be followed by what goes"),
        ('repositories = ["*"]\nprereleases = false', "retention[1].repositories: it should be followed by what goes"),
        ('repositories = ["*"]\nprereleases = 1', "retention[1].prereleases: it should be true or false"),
    ],
)
def test_a_mistake_in_an_entry_is_told_by_its_key(tmp_path: Path, lines: str, wrong: str) -> None:
    with pytest.raises(SettingsError) as refused:
        profile(tmp_path, f"{HEAD}[[registries.prod.retention]]\n{lines}\n")
    assert wrong in str(refused.value)
    assert str(tmp_path / "config.toml") in str(refused.value)


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("retention = 3", "registries.prod.retention: it should be a list of tables, each below"),
        ('gc_when = "five"', 'registries.prod.gc_when: it should be a size: "500 MB"'),
        ("gc_when = 5", "registries.prod.gc_when: it should be a text"),
        ('notify = "mail"', "registries.prod.notify: it should be a list of texts"),
        ("notify = []", "registries.prod.notify: it should be a program and its arguments"),
        ('also_known_as = ["https://x.example"]', "also_known_as: it should be a list of HOST[:PORT][/PREFIX]"),
        ('also_known_as = ["x y"]', "also_known_as: it should be a list of HOST[:PORT][/PREFIX]"),
        ("retentions = []", "registries.prod.retentions: there is no such key. Is retention meant?"),
    ],
)
def test_a_mistake_beside_them_is_told_by_its_key(tmp_path: Path, line: str, wrong: str) -> None:
    with pytest.raises(SettingsError) as refused:
        profile(tmp_path, HEAD + line + "\n")
    assert wrong in str(refused.value)


def test_what_is_remembered_leaves_the_entries(tmp_path: Path) -> None:
    text = HEAD + '[[registries.prod.retention]]\nrepositories = ["*"]\nkeep = 3\n'
    file = tmp_path / "config.toml"
    file.write_text(text)
    config = Config.load(file)
    config.remember_profile(config.profiles["prod"], as_default=True)
    assert Config.load(file).profiles["prod"].retention[0].rule.keep == 3
