"""Whose certificate isn't checked."""

import ssl

import pytest

from regtui.registry.tls import TlsSettings


@pytest.mark.parametrize(
    ("settings", "name", "is_registry", "is_unchecked"),
    [
        (TlsSettings(), "registry:5000", True, False),
        (TlsSettings(insecure=True), "registry:5000", True, True),
        (TlsSettings(insecure=True), "auth:5001", False, False),
        (TlsSettings(insecure_hosts=("auth",)), "auth:5001", False, True),
        (TlsSettings(insecure_hosts=("auth:5001",)), "auth:5001", False, True),
        (TlsSettings(insecure_hosts=("auth:5001",)), "auth:5002", False, False),
        (TlsSettings(insecure_hosts=("auth",)), "auth", False, True),
        (TlsSettings(insecure_hosts=("auth",)), "auth.example.com", False, False),
        (TlsSettings(insecure_hosts=("[::1]",)), "[::1]:5000", False, True),
        (TlsSettings(insecure_hosts=("[::",)), "[::1]", False, False),
    ],
)
def test_whose(settings: TlsSettings, name: str, is_registry: bool, is_unchecked: bool) -> None:
    context = settings.context(name, is_registry=is_registry)
    assert (context.verify_mode is ssl.CERT_NONE) is is_unchecked
    assert context.check_hostname is not is_unchecked
