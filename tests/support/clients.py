"""Other people's clients, as witnesses: what skopeo and crane read back is what really is there."""

import json
import os
import subprocess
from base64 import b64encode
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.support.processes import clean_environment
from tests.support.programs import find_program

_SECONDS = 120


class ClientFailed(Exception):
    """A client ended with an error; carries what it said."""


def skopeo(*arguments: str, ca: Path | None = None, auth: tuple[str, str] | None = None) -> str:
    """Run skopeo; its standard output. Without a CA, plain HTTP is fine too."""
    verify = f"--tls-verify={'true' if ca else 'false'}"
    command, *rest = arguments
    return _run("skopeo", command, verify, *rest, ca=ca, auth=auth)


def skopeo_inspect(reference: str, *, ca: Path | None = None, auth: tuple[str, str] | None = None) -> dict[str, Any]:
    """What skopeo says of HOST/NAME:TAG, without resolving platforms: the manifest as it is stored."""
    answer: dict[str, Any] = json.loads(skopeo("inspect", "--raw", f"docker://{reference}", ca=ca, auth=auth))
    return answer


def skopeo_list_tags(repository: str, *, ca: Path | None = None, auth: tuple[str, str] | None = None) -> list[str]:
    """The tags of HOST/NAME, sorted."""
    answer = json.loads(skopeo("list-tags", f"docker://{repository}", ca=ca, auth=auth))
    return sorted(answer["Tags"] or ())


def crane(*arguments: str, ca: Path | None = None, auth: tuple[str, str] | None = None) -> str:
    """Run crane; its standard output, without the last newline."""
    return _run("crane", *arguments, ca=ca, auth=auth).rstrip("\n")


def crane_digest(reference: str, *, ca: Path | None = None, auth: tuple[str, str] | None = None) -> str:
    return crane("digest", reference, ca=ca, auth=auth)


def crane_validate(reference: str, *, ca: Path | None = None, auth: tuple[str, str] | None = None) -> None:
    """Download the image, layers included, and check every digest and size on the way."""
    crane("validate", "--remote", reference, ca=ca, auth=auth)


def _run(program: str, *arguments: str, ca: Path | None, auth: tuple[str, str] | None) -> str:
    path = find_program(program)
    # A home of its own, so that neither the user's nor a test's credentials are sent.
    with TemporaryDirectory(prefix="regtui-client-") as home:
        environment = clean_environment(Path(home), DOCKER_CONFIG=home, TMPDIR=home)
        config = Path(home) / "config.json"
        environment["REGISTRY_AUTH_FILE"] = str(config)
        config.write_text(json.dumps({"auths": _credentials(arguments, auth)}))
        if ca:
            environment["SSL_CERT_FILE"] = str(ca)
        done = subprocess.run(
            [path, *arguments], env=environment, cwd=home, capture_output=True, text=True, timeout=_SECONDS
        )
    if done.returncode:
        raise ClientFailed(f"{program} {' '.join(arguments)}: exit {done.returncode}\n{done.stderr.strip()}")
    return done.stdout


def _credentials(arguments: tuple[str, ...], auth: tuple[str, str] | None) -> dict[str, dict[str, str]]:
    """For the hosts that the arguments name: the credential file has no entry for all hosts."""
    if auth is None:
        return {}
    hosts = {argument.removeprefix("docker://").partition("/")[0] for argument in arguments}
    secret = b64encode(":".join(auth).encode()).decode()
    return {host: {"auth": secret} for host in hosts if ":" in host and not host.startswith(os.sep)}
