"""What users read is ours, and in words: neither Python's, nor a library's about itself."""

import contextlib
import errno
import os
import re
from pathlib import Path

import pytest

from regtui.bounded_json import parse_first_json, parse_json, parse_json_text, parse_writable_json
from regtui.errors import SettingsError, UsageError, reason_of
from regtui.session.place import check_registry, is_registry_alone, place_of
from regtui.settings.config import Config

PACKAGE = Path(__file__).resolve().parents[2] / "regtui"
PYTHON = re.compile(r"sys\.|Expecting|Errno|char \d|codec|recursion|Traceback|object has no|<class|set_int_max", re.I)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/etc/File"), "no space left on device"),
        (OSError("Something of Ours."), "something of Ours"),
        (OSError(), "the system gives no reason"),
        (OSError(""), "the system gives no reason"),
    ],
)
def test_a_reason_is_never_empty_and_reads_on(error: OSError, says: str) -> None:
    assert reason_of(error) == says


def test_reasons_are_worded_in_one_place() -> None:
    """`strerror` is None where Python itself raised: a sentence then ended in nothing."""
    # The client's are the client's.
    elsewhere = [path for path in sorted(PACKAGE.rglob("*.py")) if "registry" not in path.parts]
    found = [path.name for path in elsewhere if re.search(r"\berror\.strerror", path.read_text(encoding="utf-8"))]
    assert found == ["errors.py"]


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (b"", "it is empty"),
        (b" \n", "it is empty"),
        (b"{", "it breaks off"),
        (b'{"a": "b', "it breaks off"),
        (b'{"a": 1,', "it breaks off"),
        (b"[1, 2", "it breaks off"),
        (b"<html>", "something else stands in line 1, column 1"),
        (b'{"a": 1,\n b}', "something else stands in line 2, column 2"),
        (b"{} {}", "something else stands in line 1, column 4"),
        (b"1" * 5_000, "a number in it has thousands of digits"),
        (b'{"size": -%s}' % (b"9" * 4_301), "a number in it has thousands of digits"),
        (b"[NaN]", "it has NaN in place of a number"),
        (b"[" * 100_000, "it is nested too deep"),
    ],
)
def test_why_something_is_no_json_is_said_without_a_word_of_python_s(document: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(says)}$") as raised:
        parse_json(document)
    assert not PYTHON.search(str(raised.value))
    with pytest.raises(ValueError, match=f"^{re.escape(says)}$"):
        parse_json_text(document.decode())
    if document not in (b"{} {}", b"[NaN]"):
        for parse in (parse_first_json, parse_writable_json):
            with pytest.raises(ValueError, match=f"^{re.escape(says)}$"):
                parse(document)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("x = " + "1" * 5_000, "has a number of thousands of digits."),
        ("x = " + "[" * 5_000, "is nested too deep."),
        ("x = [", "is no valid TOML: invalid value (at end of document)."),
    ],
)
def test_a_config_file_that_python_can_t_read_is_named(content: str, says: str, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(content)
    with pytest.raises(SettingsError) as raised:
        Config.load(file)
    assert str(raised.value) == f"The config file {file} {says}"


@pytest.mark.parametrize("text", ["http://[::1", "[::1", "//", "http://", "http:///x", "h:port/x", "a b/c", "\0"])
def test_no_name_of_a_registry_ends_in_an_internal_error(text: str) -> None:
    config = Config(Path("/nowhere"))
    assert place_of(text, config).registry
    with contextlib.suppress(UsageError):
        check_registry(text, config)
    is_registry_alone(text, config, is_certain=False)
