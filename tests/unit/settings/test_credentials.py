"""Credentials: in which order they are found, and what happens where the keyring doesn't do its part."""

import threading
import time
from collections.abc import Iterator

import keyring
import keyring.backend
import keyring.backends.fail
import keyring.errors
import pytest

from regtui.registry import Credential
from regtui.settings import Credentials, Found, Kept, Source

HOST = "registry.example.com:5000"
ALICE, BOB = Credential("alice", "a-secret"), Credential("bob", "b-secret")
ENVIRONMENT = {"REGTUI_USERNAME": "env", "REGTUI_PASSWORD": "e-secret"}


class InMemory(keyring.backend.KeyringBackend):
    """A keyring that keeps nothing on disk. `hangs`: until it is let go, as one that waits for a dialog."""

    priority = 1.0

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.entries: dict[tuple[str, str], str] = {}
        self.let_go: threading.Event | None = None
        self.broken = False

    def _answer(self) -> None:
        if self.let_go is not None:
            self.let_go.wait(10.0)
        if self.broken:
            raise OSError("D-Bus is not there")

    def get_password(self, service: str, username: str) -> str | None:
        self._answer()
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._answer()
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._answer()
        if (service, username) not in self.entries:
            raise keyring.errors.PasswordDeleteError("not found")
        del self.entries[service, username]


@pytest.fixture
def ring() -> Iterator[InMemory]:
    before = keyring.get_keyring()
    memory = InMemory()
    keyring.set_keyring(memory)
    yield memory
    if memory.let_go is not None:
        memory.let_go.set()
    keyring.set_keyring(before)


def test_the_keyring_keeps_it_for_the_next_start(ring: InMemory) -> None:
    assert Credentials({}).store(HOST, ALICE) is Kept.KEYRING
    assert Credentials({}).find(HOST) == Found(ALICE, Source.KEYRING)
    assert Credentials({}).find(HOST, "alice") == Found(ALICE, Source.KEYRING)
    assert Credentials({}).find(HOST, "bob").credential is None
    assert Credentials({}).find("other.example.com") == Found(None, Source.NONE)
    assert {service for service, _ in ring.entries} == {f"regtui:{HOST}"}


def test_the_order(ring: InMemory) -> None:
    credentials = Credentials({})
    assert credentials.find(HOST) == Found(None, Source.NONE)
    credentials.store(HOST, ALICE)
    credentials.use_for_session(HOST, BOB)
    assert credentials.find(HOST) == Found(BOB, Source.SESSION)
    # The profile names another user than the one that was typed.
    assert credentials.find(HOST, "alice") == Found(ALICE, Source.KEYRING)
    found = Credentials(ENVIRONMENT).find(HOST)
    assert found == Found(Credential("env", "e-secret"), Source.ENVIRONMENT)


@pytest.mark.usefixtures("ring")
@pytest.mark.parametrize("name", ENVIRONMENT)
def test_half_a_credential_in_the_environment_is_none(name: str) -> None:
    assert Credentials({name: "x"}).find(HOST) == Found(None, Source.NONE)


@pytest.mark.usefixtures("ring")
def test_storing_replaces_what_was_typed() -> None:
    credentials = Credentials({})
    credentials.use_for_session(HOST, BOB)
    credentials.store(HOST, ALICE)
    assert credentials.find(HOST) == Found(ALICE, Source.KEYRING)


def test_forgetting_leaves_nothing(ring: InMemory) -> None:
    credentials = Credentials({})
    credentials.store(HOST, ALICE)
    assert credentials.forget(HOST)
    assert ring.entries == {}
    assert not credentials.forget(HOST)
    credentials.use_for_session(HOST, BOB)
    assert credentials.forget(HOST)
    assert credentials.find(HOST).credential is None


def test_without_a_keyring_it_is_kept_until_the_end(ring: InMemory) -> None:
    keyring.set_keyring(keyring.backends.fail.Keyring())  # type: ignore[no-untyped-call]
    credentials = Credentials({})
    assert credentials.store(HOST, ALICE) is Kept.SESSION
    assert credentials.find(HOST) == Found(ALICE, Source.SESSION)
    assert Credentials({}).find(HOST) == Found(None, Source.NONE)
    assert credentials.forget(HOST)
    assert ring.entries == {}


def test_a_keyring_that_fails_is_like_none(ring: InMemory) -> None:
    ring.broken = True
    credentials = Credentials({})
    assert credentials.find(HOST) == Found(None, Source.NONE)
    assert credentials.store(HOST, ALICE) is Kept.SESSION
    assert credentials.forget(HOST)


def test_a_keyring_that_hangs_is_not_waited_for(ring: InMemory) -> None:
    ring.let_go = threading.Event()
    credentials = Credentials({}, keyring_timeout=0.05)
    started = time.monotonic()
    assert credentials.find(HOST) == Found(None, Source.NONE)
    assert credentials.store(HOST, ALICE) is Kept.SESSION
    assert time.monotonic() - started < 30.0
    assert all(thread.daemon for thread in threading.enumerate() if thread.name == "keyring")


def test_no_secret_is_in_a_repr() -> None:
    credentials = Credentials(ENVIRONMENT)
    credentials.use_for_session(HOST, ALICE)
    texts = [repr(credentials), repr(Found(ALICE, Source.SESSION)), f"{ALICE}"]
    assert "secret" not in " ".join(texts)
