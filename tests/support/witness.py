"""What requests carried, as the servers saw it: a login goes where it belongs, and nowhere else."""

import base64
from collections.abc import Iterable

from tests.support.gateway import Asked, Gateway


def logins_stayed(
    *, registry: Gateway, realm: Gateway | None = None, elsewhere: Iterable[Gateway] = (), secrets: Iterable[str] = ()
) -> None:
    """Fails where an Authorization header came to another origin than its own, and where a secret came by any other
    way. With a realm: passwords go there alone, tokens to the registry alone. Every one of them was asked."""
    everywhere = [registry, *([realm] if realm else []), *elsewhere]
    for gateway in everywhere:
        assert gateway.asked, f"nothing came to {gateway.host}: this shows nothing"
        for asked in gateway.asked:
            _nothing_else(asked, secrets)
    for gateway in elsewhere:
        assert _kinds(gateway) == set(), f"a login came to {gateway.host}"
    if realm is not None:
        assert _kinds(realm) <= {"basic"}
        assert _kinds(registry) <= {"bearer"}


def _kinds(gateway: Gateway) -> set[str]:
    return {asked.authorization.partition(" ")[0].lower() for asked in gateway.asked if asked.authorization}


def _nothing_else(asked: Asked, secrets: Iterable[str]) -> None:
    for secret in secrets:
        others = [value for name, value in asked.headers.items() if name != "authorization"]
        carried = " ".join([asked.path, *others, asked.body.decode("latin-1")])
        for form in (secret, base64.b64encode(secret.encode()).decode().rstrip("=")):
            assert form not in carried, f"{form!r} came with {asked.method} {asked.path}"
