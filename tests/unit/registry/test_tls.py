"""The certificate files that the user gives."""

from pathlib import Path

import pytest

from regtui.errors import SettingsError
from regtui.registry import TlsSettings
from tests.support.tls import TlsFiles, make_tls


@pytest.fixture
def files(tmp_path: Path) -> TlsFiles:
    (tmp_path / "tls").mkdir()
    return make_tls(tmp_path / "tls", "localhost")


@pytest.fixture
def text(tmp_path: Path) -> Path:
    file = tmp_path / "notes.txt"
    file.write_text("no certificate\n")
    return file


def told(settings: TlsSettings) -> str:
    with pytest.raises(SettingsError) as caught:
        settings.context()
    return caught.value.message.removeprefix("The certificate files can't be used ")


def test_what_holds_no_certificate(text: Path, files: TlsFiles) -> None:
    assert told(TlsSettings(ca_file=text)) == f"({text}): there is no certificate in PEM form."
    assert told(TlsSettings(ca_file=files.key)) == f"({files.key}): there is no certificate in PEM form."


def test_what_is_not_there(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    assert told(TlsSettings(ca_file=gone)) == f"({gone}): no such file or directory."


def test_what_is_no_certificate_with_its_key(text: Path, files: TlsFiles, tmp_path: Path) -> None:
    no_pair = "there is no certificate with its key, both in PEM form, the key without a passphrase."
    assert told(TlsSettings(client_cert=files.cert)) == f"({files.cert}): {no_pair}"
    assert told(TlsSettings(client_cert=files.cert, client_key=text)) == f"({files.cert}, {text}): {no_pair}"
    (tmp_path / "other").mkdir()
    other = make_tls(tmp_path / "other", "localhost").key
    another = "the key is that of another certificate."
    assert told(TlsSettings(client_cert=files.cert, client_key=other)) == f"({files.cert}, {other}): {another}"
