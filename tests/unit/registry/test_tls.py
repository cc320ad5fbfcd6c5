"""The certificate files that the user gives."""

import ssl
from datetime import UTC, datetime
from pathlib import Path
from socket import socket

import pytest

from regtui.errors import SettingsError
from regtui.registry.tls import Certificate, TlsSettings, certificate, rejection
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


@pytest.mark.parametrize(
    "moment",
    ["Jan  1 00:00:00 0000 GMT", "Dec 31 23:59:59 99999 GMT", "", "Foo 99 99:99:99 2026 GMT", "Jan  1 00:00:00 2026"],
)
def test_a_certificate_whose_end_is_no_time_is_told_without_it(moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regtui.registry.tls.shown_certificate", lambda host, dial: {"notAfter": moment})
    assert certificate("h", unused) is None
    expired = ssl.SSLCertVerificationError()
    expired.verify_code = 10
    assert rejection("h", "h", unused, expired)[0] == "The certificate of h has expired."


def test_when_a_certificate_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = {"notAfter": "Nov 24 09:17:00 2026 GMT"}
    monkeypatch.setattr("regtui.registry.tls.shown_certificate", lambda host, dial: ends)
    assert certificate("h", unused) == Certificate("", datetime(2026, 11, 24, 9, 17, tzinfo=UTC))


def unused(timeout: float) -> socket:
    raise AssertionError("nobody is asked")
