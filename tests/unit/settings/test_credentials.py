"""Credentials: in which order they are found, and what happens where the keyring doesn't do its part."""

import json
import os
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keyring
import keyring.backend
import keyring.backends.fail
import keyring.backends.null
import keyring.errors
import pytest

from regtui.registry.values import Credential
from regtui.settings.credentials import Credentials, FoundLogin, LoginSource, Lookup, PasswordPlace
from tests.support.credential_helpers import HANGING, HelperProgram, make_helper, make_program
from tests.support.patience import PATIENCE

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
            self.let_go.wait(PATIENCE)
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
    assert Credentials({}).store(HOST, ALICE) is PasswordPlace.KEYRING
    assert Credentials({}).find(HOST) == FoundLogin(ALICE, LoginSource.KEYRING)
    assert Credentials({}).find(HOST, "alice") == FoundLogin(ALICE, LoginSource.KEYRING)
    assert Credentials({}).find(HOST, "bob").credential is None
    assert Credentials({}).find("other.example.com") == FoundLogin(None, LoginSource.NONE)
    assert {service for service, _ in ring.entries} == {f"regtui:{HOST}"}


def test_the_order(ring: InMemory) -> None:
    credentials = Credentials({})
    assert credentials.find(HOST) == FoundLogin(None, LoginSource.NONE)
    credentials.store(HOST, ALICE)
    credentials.use_for_session(HOST, BOB)
    assert credentials.find(HOST) == FoundLogin(BOB, LoginSource.SESSION)
    # The profile names another user than the one that was typed.
    assert credentials.find(HOST, "alice") == FoundLogin(ALICE, LoginSource.KEYRING)

    # What a command is given by its environment is for the registry that it is about alone.
    assert Credentials(ENVIRONMENT).find(HOST).source is LoginSource.KEYRING
    found = Credentials(ENVIRONMENT).of_environment()
    place = "REGTUI_USERNAME and REGTUI_PASSWORD"
    assert found == FoundLogin(Credential("env", "e-secret"), LoginSource.ENVIRONMENT, place)


@pytest.mark.parametrize(
    ("environment", "username", "user"),
    [
        (ENVIRONMENT, "", "env"),
        (ENVIRONMENT, "env", "env"),
        (ENVIRONMENT, "other", None),
        ({"REGTUI_PASSWORD": "x"}, "other", "other"),
        ({"REGTUI_PASSWORD": "x"}, "", None),
        ({"REGTUI_USERNAME": "x"}, "x", None),
    ],
)
def test_whose_the_password_in_the_environment_is(environment: dict[str, str], username: str, user: str | None) -> None:
    found = Credentials(environment).of_environment(username)
    assert (found.credential.username if found and found.credential else None) == user


@pytest.mark.usefixtures("ring")
@pytest.mark.parametrize("name", ENVIRONMENT)
def test_half_a_credential_in_the_environment_is_none(name: str) -> None:
    assert Credentials({name: "x"}).find(HOST) == FoundLogin(None, LoginSource.NONE)


@pytest.mark.usefixtures("ring")
def test_storing_replaces_what_was_typed() -> None:
    credentials = Credentials({})
    credentials.use_for_session(HOST, BOB)
    credentials.store(HOST, ALICE)
    assert credentials.find(HOST) == FoundLogin(ALICE, LoginSource.KEYRING)


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
    assert credentials.store(HOST, ALICE) is PasswordPlace.SESSION
    assert credentials.find(HOST) == FoundLogin(ALICE, LoginSource.SESSION)
    assert Credentials({}).find(HOST) == FoundLogin(None, LoginSource.NONE)
    assert credentials.forget(HOST)
    assert ring.entries == {}


def test_a_keyring_that_keeps_nothing_is_like_none(ring: InMemory) -> None:
    keyring.set_keyring(keyring.backends.null.Keyring())  # type: ignore[no-untyped-call]
    credentials = Credentials({})
    assert credentials.store(HOST, ALICE) is PasswordPlace.SESSION
    assert credentials.forget(HOST) == ["this session"]
    assert ring.entries == {}


def test_a_keyring_that_fails_is_like_none(ring: InMemory) -> None:
    ring.broken = True
    credentials = Credentials({})
    assert credentials.find(HOST) == FoundLogin(None, LoginSource.NONE)
    assert credentials.store(HOST, ALICE) is PasswordPlace.SESSION
    assert credentials.forget(HOST)


def test_a_keyring_that_hangs_is_not_waited_for(ring: InMemory) -> None:
    ring.let_go = threading.Event()
    credentials = Credentials({}, keyring_timeout=0.05)
    started = time.monotonic()
    assert credentials.find(HOST) == FoundLogin(None, LoginSource.NONE)
    assert credentials.store(HOST, ALICE) is PasswordPlace.SESSION
    assert time.monotonic() - started < 30.0
    assert all(thread.daemon for thread in threading.enumerate() if thread.name == "keyring")


def test_no_secret_is_in_a_repr() -> None:
    credentials = Credentials(ENVIRONMENT)
    credentials.use_for_session(HOST, ALICE)
    texts = [repr(credentials), repr(FoundLogin(ALICE, LoginSource.SESSION)), f"{ALICE}"]
    assert "secret" not in " ".join(texts)


# Docker's and Podman's


def config(path: Path, *users: str, host: str = HOST, **more: Any) -> Path:
    """A file in which each of `users` (`USER`, or `USER@REPOSITORY`) has a password for `host`."""
    auths = {}
    for user, _, repository in (name.partition("@") for name in users):
        auths[f"{host}/{repository}" if repository else host] = {"auth": b64encode(f"{user}:pw".encode()).decode()}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"auths": auths, **more}))
    return path


@pytest.fixture
def docker(ring: InMemory) -> Path:
    """Where Docker's file is expected."""
    return Path.home() / ".docker/config.json"


def test_dockers_file_comes_after_the_keyring(ring: InMemory, docker: Path) -> None:
    config(docker, "docker")
    found = Credentials({}).find(HOST)
    assert found == FoundLogin(Credential("docker", "pw"), LoginSource.DOCKER, "~/.docker/config.json")
    assert found.words == "docker, from ~/.docker/config.json"
    Credentials({}).store(HOST, ALICE)
    assert Credentials({}).find(HOST) == FoundLogin(ALICE, LoginSource.KEYRING)
    # A user who was named is looked for in all of them.
    assert Credentials({}).find(HOST, "docker").source is LoginSource.DOCKER
    assert Credentials({}).find(HOST, "nobody") == FoundLogin(None, LoginSource.NONE)


def test_podmans_files_come_after_dockers(docker: Path, tmp_path: Path) -> None:
    environment = {"XDG_RUNTIME_DIR": str(tmp_path / "run")}
    runtime = config(tmp_path / "run/containers/auth.json", "runtime")
    config(Path.home() / ".config/containers/auth.json", "home")
    found = Credentials(environment).find(HOST)
    assert found == FoundLogin(Credential("runtime", "pw"), LoginSource.PODMAN, str(runtime))
    named = config(tmp_path / "named.json", "named")
    assert Credentials({**environment, "REGISTRY_AUTH_FILE": str(named)}).find(HOST).place == str(named)
    config(docker, "docker")
    assert Credentials(environment).find(HOST).source is LoginSource.DOCKER
    runtime.unlink()
    docker.unlink()
    assert Credentials(environment).find(HOST).place == "~/.config/containers/auth.json"


def test_a_repositorys_own_credential_counts_beside_a_general_one(docker: Path, tmp_path: Path) -> None:
    config(docker, "docker")
    named = config(tmp_path / "auth.json", "podman", "team@team", "inner@team/inner")
    found = Credentials({"REGISTRY_AUTH_FILE": str(named)}).find(HOST)
    who = {name: found.keychain.credential_for(name) for name in ("", "x", "team/x", "team/inner/x")}
    assert {name: c.username for name, c in who.items() if c} == {
        **{"": "docker", "x": "docker"},
        **{"team/x": "team", "team/inner/x": "inner"},
    }
    docker.unlink()
    config(named, "team@team")
    found = Credentials({"REGISTRY_AUTH_FILE": str(named)}).find(HOST)
    assert (found.credential, found.source) == (None, LoginSource.PODMAN)
    assert found.words == f"team (for some repositories), from {named}"


def test_tokens_are_told_as_such(docker: Path) -> None:
    docker.parent.mkdir()
    docker.write_text(json.dumps({"auths": {HOST: {"identitytoken": "idt"}}}))
    found = Credentials({}).find(HOST, "whoever")
    assert found.credential == Credential("", identity_token="idt")
    assert found.words == "a token, from ~/.docker/config.json"


@pytest.mark.usefixtures("ring")
def test_helpers(docker: Path, tmp_path: Path) -> None:
    make_helper(tmp_path, "general", {HOST: ("general", "pw"), "https://index.docker.io/v1/": ("hub", "pw")})
    special = make_helper(tmp_path, "special", {"gcr.io": ("special", "pw")})
    config(docker, "inline", credsStore="general", credHelpers={"gcr.io": "special"})
    credentials = Credentials({"PATH": special.path})
    words = {host: credentials.find(host).words for host in (HOST, "docker.io", "gcr.io", "else.example.com")}
    place = "(named in ~/.docker/config.json)"
    assert words == {
        HOST: f"general, from docker-credential-general {place}",
        "docker.io": f"hub, from docker-credential-general {place}",
        "gcr.io": f"special, from docker-credential-special {place}",
        "else.example.com": "",
    }
    # One that has none for it doesn't hide what stands in the file.
    config(docker, "inline", credsStore="special")
    assert credentials.find(HOST).words == "inline, from ~/.docker/config.json"


@pytest.mark.usefixtures("ring")
def test_helpers_that_fail_are_told_and_the_rest_still_counts(docker: Path, tmp_path: Path) -> None:
    program = make_program(tmp_path, "bad", HANGING)
    config(docker, "inline", credHelpers={HOST: "bad", "missing.example.com": "missing"})
    credentials = Credentials({"PATH": program.path}, helper_timeout=0.5)
    found = credentials.find(HOST)
    assert found.words == "inline, from ~/.docker/config.json"
    assert ["did not answer" in trouble.message for trouble in found.troubles] == [True]
    (trouble,) = credentials.find("missing.example.com").troubles
    assert str(trouble) == (
        "docker-credential-missing is not installed, or not on the PATH. It is named in ~/.docker/config.json."
    )


def test_files_that_are_damaged_are_told_and_the_rest_still_counts(docker: Path, tmp_path: Path) -> None:
    docker.parent.mkdir()
    docker.write_text("{")
    named = config(tmp_path / "auth.json", "podman")
    found = Credentials({"REGISTRY_AUTH_FILE": str(named)}).find(HOST)
    assert found.words == f"podman, from {named}"
    assert [trouble.message for trouble in found.troubles] == [f"{docker} is no valid JSON."]


def test_a_keyring_that_hangs_is_told(ring: InMemory) -> None:
    ring.let_go = threading.Event()
    credentials = Credentials({}, keyring_timeout=0.05)
    assert ["keyring did not answer" in trouble.message for trouble in credentials.find(HOST).troubles] == [True]
    credentials.store(HOST, ALICE)
    assert "did not answer" in credentials.keyring_trouble


def test_a_keyring_that_is_locked_is_told_and_one_that_is_not_there_is_the_usual_case(
    ring: InMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring.set_keyring(keyring.backends.fail.Keyring())  # type: ignore[no-untyped-call]
    assert Credentials({}).find(HOST).troubles == ()
    keyring.set_keyring(ring)

    def locked(*_: str) -> None:
        raise keyring.errors.KeyringLocked("no")

    monkeypatch.setattr(ring, "get_password", locked)
    assert [str(trouble) for trouble in Credentials({}).find(HOST).troubles] == ["The keyring is locked. Unlock it."]


# Kept as Docker does


@pytest.mark.usefixtures("ring")
def test_kept_in_dockers_file_and_taken_out_of_it(docker: Path) -> None:
    config(docker, "other", host="other.example.com")
    before = json.loads(docker.read_text())
    credentials = Credentials({})
    assert credentials.docker_way(HOST).startswith("in ~/.docker/config.json, as Docker does")
    assert credentials.store_with_docker(HOST, ALICE) == "~/.docker/config.json"
    assert Credentials({}).find(HOST) == FoundLogin(ALICE, LoginSource.DOCKER, "~/.docker/config.json")
    assert Credentials({}).forget(HOST) == ["~/.docker/config.json"]
    assert json.loads(docker.read_text()) == before
    assert Credentials({}).forget(HOST) == []


@pytest.mark.usefixtures("ring")
def test_what_docker_put_there_is_not_taken_out(docker: Path) -> None:
    config(docker, "docker")
    assert Credentials({}).forget(HOST) == []
    assert Credentials({}).find(HOST).words == "docker, from ~/.docker/config.json"
    # Nor where somebody has logged in anew, with docker and as another, since.
    Credentials({}).store_with_docker(HOST, ALICE)
    config(docker, "docker")
    assert Credentials({}).forget(HOST) == []
    assert Credentials({}).find(HOST).words == "docker, from ~/.docker/config.json"


@pytest.mark.usefixtures("ring")
def test_kept_with_the_helper_that_docker_uses(docker: Path, tmp_path: Path) -> None:
    helper: HelperProgram = make_helper(tmp_path, "own", {})
    config(docker, credsStore="own")
    credentials = Credentials({"PATH": helper.path})
    assert credentials.docker_way(HOST) == "with docker-credential-own, as Docker does"
    assert credentials.store_with_docker(HOST, ALICE) == "docker-credential-own"
    assert helper.entries == {HOST: ["alice", "a-secret"]}
    assert json.loads(docker.read_text())["auths"] == {HOST: {}}, "as docker login leaves it"
    assert credentials.find(HOST).credential == ALICE
    assert credentials.forget(HOST) == ["docker-credential-own"]
    assert helper.entries == {}
    assert json.loads(docker.read_text())["auths"] == {}


def test_nothing_of_ours_holds_a_secret(ring: InMemory) -> None:
    credentials = Credentials({})
    credentials.store(HOST, BOB)
    credentials.store_with_docker(HOST, ALICE)
    credentials.use_for_session(HOST, BOB)
    written = {path: path.read_text() for path in Path.home().rglob("*") if path.is_file()}
    assert [path.name for path, text in written.items() if b64encode(b"alice:a-secret").decode() in text] == [
        "config.json"
    ]
    assert "secret" not in "".join(written.values()) + repr(credentials.find(HOST))
    assert all(os.stat(path).st_mode & 0o077 == 0 for path in written)  # noqa: PTH116


def test_a_lookup_looks_when_it_is_wanted_and_again_when_it_is_asked_again() -> None:
    known = [ALICE, BOB]
    lookup = Lookup(lambda: FoundLogin(known.pop(0), LoginSource.KEYRING))
    assert (lookup.found, len(known)) == (None, 2)
    assert lookup.find().credential == ALICE
    assert lookup().general == ALICE
    assert lookup.find() is lookup.found
    assert lookup().general == BOB
    assert lookup.find().credential == BOB


def test_docker_s_variable_goes_before_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DOCKER_AUTH_CONFIG, as CI systems give it: what would stand in the file."""
    monkeypatch.setenv("HOME", str(tmp_path))
    config(tmp_path / ".docker/config.json", "file")
    given = config(tmp_path / "given.json", "variable").read_text()
    environment = {"DOCKER_AUTH_CONFIG": given}
    found = Credentials(environment, keyring_timeout=PATIENCE).find(HOST)
    assert found.credential is not None
    assert found.words == "variable, from DOCKER_AUTH_CONFIG"
    assert Credentials(environment, keyring_timeout=PATIENCE).find(HOST, "file").place == "~/.docker/config.json"
    assert Credentials(environment, keyring_timeout=PATIENCE).find("other.example.com").credential is None


@pytest.mark.parametrize("text", ["{", "[]", "secret-word", f'{{"auths": {{"{HOST}": {{"auth": "secret-word"}}}}}}'])
def test_nonsense_in_docker_s_variable_is_told_and_never_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    config(tmp_path / ".docker/config.json", "file")
    found = Credentials({"DOCKER_AUTH_CONFIG": text}, keyring_timeout=PATIENCE).find(HOST)
    assert found.words == "file, from ~/.docker/config.json"
    troubles = [str(trouble) for trouble in found.troubles if "DOCKER_AUTH_CONFIG" in trouble.message]
    assert len(troubles) == 1
    assert "secret-word" not in troubles[0]


def test_a_scoped_login_is_named_with_the_file_that_it_is_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    config(tmp_path / ".docker/config.json", "docker")
    podman = config(tmp_path / "auth.json", "robot@team/app")
    found = Credentials({"REGISTRY_AUTH_FILE": str(podman)}, keyring_timeout=PATIENCE).find(HOST)
    assert found.words == "docker, from ~/.docker/config.json"
    assert found.words_for("team/other") == "docker, from ~/.docker/config.json"
    assert found.words_for("team/app") == "robot (for team/app), from ~/auth.json"
