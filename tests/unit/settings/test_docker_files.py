"""What Docker's and Podman's files say about a registry, and that writing one leaves the rest of it alone."""

import json
import os
import stat
from base64 import b64encode
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.errors import SettingsError
from regtui.registry.values import Credential, Keychain
from regtui.settings.docker_files import AuthFile, auth_files, remove_login, server_of, write_login

HOST = "registry.example.com:5000"


def packed(user: str, password: str) -> str:
    return b64encode(f"{user}:{password}".encode()).decode()


def file_of(table: dict[str, Any], *, is_docker: bool = True) -> AuthFile:
    return AuthFile(Path("config.json"), table, is_docker)


def keychain(auths: dict[str, Any], host: str = HOST, *, is_docker: bool = True) -> Keychain:
    return file_of({"auths": auths}, is_docker=is_docker).keychain(host)


def users(chain: Keychain) -> tuple[str, dict[str, str]]:
    return chain.general.username if chain.general else "", {prefix: c.username for prefix, c in chain.scoped}


def entries(*keys: str) -> dict[str, Any]:
    """Each with its own key as the user."""
    return {key: {"auth": packed(key.replace(":", "_"), "x")} for key in keys}


# Entries


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"auth": packed("ci", "geheim")}, Credential("ci", "geheim")),
        ({"auth": packed("ci", "with:colons:")}, Credential("ci", "with:colons:")),
        ({"auth": packed("ci", "päss wörd")}, Credential("ci", "päss wörd")),
        # Made by hand: `echo -n ci:geheim | base64`, wrapped, or with its padding lost.
        ({"auth": packed("ci", "geheim") + "\n"}, Credential("ci", "geheim")),
        ({"auth": packed("ci", "geheim!").rstrip("=")}, Credential("ci", "geheim!")),
        ({"auth": packed("ci", "x" * 60)[:76] + "\n" + packed("ci", "x" * 60)[76:]}, Credential("ci", "x" * 60)),
        # As Kubernetes writes them.
        ({"username": "ci", "password": "geheim", "email": "a@b"}, Credential("ci", "geheim")),
        ({"auth": packed("ci", ""), "identitytoken": "idt"}, Credential("ci", identity_token="idt")),
        ({"auth": packed("<token>", ""), "identitytoken": "idt"}, Credential("", identity_token="idt")),
        ({"registrytoken": "ready"}, Credential("", registry_token="ready")),
        # What docker leaves behind where a helper has it.
        ({}, None),
        ({"auth": packed("ci", "")}, None),
        ({"auth": 5, "username": ["x"]}, None),
        (None, None),
    ],
)
def test_entries(entry: Any, expected: Credential | None) -> None:
    assert keychain({HOST: entry}).general == expected


@pytest.mark.parametrize("auth", ["n o t!", packed("x", "y")[:-5] + "&", b64encode(b"no colon").decode(), "/////w=="])
def test_an_entry_that_is_no_base64_is_named_but_not_quoted(auth: str) -> None:
    with pytest.raises(SettingsError) as caught:
        keychain({HOST: {"auth": auth}})
    assert HOST in caught.value.message
    assert "config.json" in caught.value.message
    assert auth not in str(caught.value)


@pytest.mark.parametrize(
    "entry",
    [
        {"registrytoken": "geheim\r\nX: y"},
        {"registrytoken": "geheim ключ"},
        {"identitytoken": "geheim\ud800"},
        {"username": "ci", "password": "geheim\ud800"},
    ],
)
def test_what_can_not_be_sent_is_told_and_not_quoted(entry: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="can't be sent") as caught:
        keychain({HOST: entry})
    assert "geheim" not in str(caught.value)


def test_one_that_is_broken_keeps_nobody_else_out() -> None:
    assert keychain({"broken.example.com": {"auth": "&"}, **entries(HOST)}).general is not None


# Keys


@pytest.mark.parametrize(
    "key",
    [HOST, f"https://{HOST}", f"http://{HOST}/", f"https://{HOST}/v1/", f"{HOST}/v2/", "REGISTRY.example.com:5000"],
)
def test_every_spelling_of_a_host(key: str) -> None:
    assert users(keychain(entries(key, "other.example.com"))) == (key.replace(":", "_"), {})


@pytest.mark.parametrize("key", ["example.com", "registry.example.com", "registry.example.com:50000", "", "https://"])
def test_other_hosts(key: str) -> None:
    assert users(keychain(entries(key))) == ("", {})


@pytest.mark.parametrize("host", ["docker.io", "index.docker.io", "registry-1.docker.io"])
@pytest.mark.parametrize("key", ["https://index.docker.io/v1/", "index.docker.io", "docker.io"])
def test_docker_hub_by_all_its_names(host: str, key: str) -> None:
    assert users(keychain(entries(key), host))[0] == key.replace(":", "_")
    assert server_of(host) == "https://index.docker.io/v1/"


def test_the_plain_spelling_goes_before_urls() -> None:
    assert users(keychain(entries(f"https://{HOST}", HOST, f"http://{HOST}")))[0] == HOST.replace(":", "_")


def test_podmans_keys_may_go_on_with_a_namespace() -> None:
    found = keychain(entries(f"{HOST}/team", HOST, f"{HOST}/team/app", "else/team"), is_docker=False)
    name = HOST.replace(":", "_")
    assert users(found) == (name, {"team": f"{name}/team", "team/app": f"{name}/team/app"})
    # Docker's don't, and a URL's path never counts: https://index.docker.io/v1/ is no namespace.
    assert users(keychain(entries(f"{HOST}/team")))[1] == {}
    assert users(keychain(entries(f"https://{HOST}/v1/"), is_docker=False)) == (f"https_//{name}/v1/", {})


def test_a_registry_below_a_path_has_what_stands_above_it_and_not_beside_it() -> None:
    host = f"{HOST}/hub"
    found = keychain(entries(HOST, host, f"{host}/team", f"{HOST}/hubble", f"{HOST}/other"), host, is_docker=False)
    name = HOST.replace(":", "_")
    assert users(found) == (f"{name}/hub", {"team": f"{name}/hub/team"})
    assert users(keychain(entries(HOST), host, is_docker=False)) == (name, {})
    assert users(keychain(entries(HOST), host))[0] == name


def test_two_hundred_entries() -> None:
    many = entries(*(f"registry-{n}.example.com" for n in range(200)))
    assert users(keychain(many, "registry-117.example.com"))[0] == "registry-117.example.com"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["auths", "auth", "credsStore", "credHelpers", HOST, "identitytoken", "username"]),
                inner,
            )
        ),
        max_leaves=12,
    )
)
def test_any_json_is_read_or_refused(value: Any) -> None:
    table = value if isinstance(value, dict) else {"auths": value, "credHelpers": value, "credsStore": value}
    for is_docker in (True, False):
        file = file_of(table, is_docker=is_docker)
        assert isinstance(file.helper(HOST), str)
        with suppress(SettingsError):
            assert isinstance(file.keychain(HOST), Keychain)


# Helpers


def test_which_helper_has_it() -> None:
    file = file_of({"credsStore": "pass", "credHelpers": {"gcr.io": "gcloud", f"https://{HOST}": "own", "x": ""}})
    assert [file.helper(host) for host in ("gcr.io", HOST, f"{HOST}/hub", "x", "y")] == [
        *("gcloud", "own", "own", "pass", "pass")
    ]
    assert file_of({}).helper(HOST) == ""


# Files


def test_which_files_count() -> None:
    home = Path.home()
    config, auth = home / ".docker/config.json", home / ".config/containers/auth.json"
    assert list(auth_files({})) == [(config, True), (auth, False)]
    everything = {"DOCKER_CONFIG": "/d", "XDG_RUNTIME_DIR": "/run/user/1", "XDG_CONFIG_HOME": "/c"}
    assert list(auth_files(everything)) == [
        (Path("/d/config.json"), True),
        (Path("/run/user/1/containers/auth.json"), False),
        (Path("/c/containers/auth.json"), False),
    ]
    assert list(auth_files({**everything, "REGISTRY_AUTH_FILE": "/a.json"}))[1:] == [(Path("/a.json"), False)]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        *((content, "is no valid JSON") for content in (b"", b"{", b"\xff", b"[" * 100_000, b"1" * 5_000)),
        *((content, "is no such file: a JSON object is expected in it") for content in (b"[]", b"5", b'"x"')),
    ],
)
def test_a_file_that_is_none_is_named(content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(SettingsError, match=rf"config\.json {says}\."):
        AuthFile.load(tmp_path / "config.json", is_docker=True)


def test_a_file_that_is_not_there_and_one_that_is_a_folder(tmp_path: Path) -> None:
    assert AuthFile.load(tmp_path / "none", is_docker=True) is None
    with pytest.raises(SettingsError, match="is a directory"):
        AuthFile.load(tmp_path, is_docker=True)


def test_writing_keeps_everything_else_and_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / ".docker/config.json"
    write_login(path, HOST, Credential("ci", "geheim"))
    assert path.read_text() == '{\n\t"auths": {\n\t\t"%s": {\n\t\t\t"auth": "%s"\n\t\t}\n\t}\n}' % (  # noqa: UP031
        HOST,
        packed("ci", "geheim"),
    )
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)) == (0o600, 0o700)

    others = {"HttpHeaders": {"X": "ü"}, "auths": {"other": {"auth": packed("a", "b")}}, "detachKeys": "ctrl-e"}
    path.write_text(json.dumps(others))
    path.chmod(0o644)
    write_login(path, HOST, Credential("ci", "neu"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    written = json.loads(path.read_text())
    assert list(written) == list(others)
    assert written.pop("auths") == {**others["auths"], HOST: {"auth": packed("ci", "neu")}}  # type: ignore[dict-item]
    assert remove_login(path, HOST)
    assert json.loads(path.read_text()) == others
    assert not remove_login(path, HOST)
    assert not remove_login(tmp_path / "none", HOST)


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "dotfiles.json").write_text("{}")
    path = tmp_path / "config.json"
    path.symlink_to("dotfiles.json")
    write_login(path, HOST, Credential("ci", "geheim"))
    assert path.is_symlink()
    assert HOST in (tmp_path / "dotfiles.json").read_text()


def test_a_damaged_file_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"auths": {"other"')
    with pytest.raises(SettingsError):
        write_login(path, HOST, Credential("ci", "geheim"))
    assert path.read_text() == '{"auths": {"other"'


def test_docker_hub_is_written_by_its_historic_name(tmp_path: Path) -> None:
    write_login(tmp_path / "config.json", "docker.io", Credential("ci", "geheim"))
    assert list(json.loads((tmp_path / "config.json").read_text())["auths"]) == ["https://index.docker.io/v1/"]


@pytest.mark.parametrize(("place", "what"), [("pipe", "it is a pipe"), ("/dev/zero", "it is a device")])
def test_a_file_without_an_end_is_refused_at_once(tmp_path: Path, place: str, what: str) -> None:
    path = tmp_path / "config.json"
    os.mkfifo(tmp_path / "pipe")
    path.symlink_to(place)
    with pytest.raises(SettingsError, match=what):
        AuthFile.load(path, is_docker=True)
