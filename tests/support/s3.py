"""An S3 server on loopback, for registries that keep their storage in a bucket."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.support import watch
from tests.support.containers import free_port
from tests.support.processes import clean_environment, running
from tests.support.programs import find_program

BUCKET = "images"
_SECRET = {"registry-of-tests": "s3-secret-of-tests"}


@dataclass(frozen=True)
class S3Server:
    """It keeps its bucket in memory."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def driver(self, root: str = "") -> dict[str, Any]:
        """What a registry's config has below `storage`."""
        ((user, secret),) = _SECRET.items()
        return {
            "s3": {
                **{"accesskey": user, "secretkey": secret, "region": "us-east-1", "regionendpoint": self.url},
                **{"bucket": BUCKET, "secure": False, "forcepathstyle": True, "rootdirectory": root or "/"},
            }
        }

    def blob_bytes(self) -> int:
        """Of all blobs, as the server lists them: a thousand at most."""
        asked = {"list-type": "2", "prefix": "docker/registry/v2/blobs/"}
        told = httpx.get(f"{self.url}/{BUCKET}", params=asked, trust_env=False).raise_for_status().text
        assert "<IsTruncated>false<" in told
        return sum(map(int, re.findall(r"<Size>(\d+)</Size>", told)))


@contextmanager
def start_s3(directory: Path) -> Iterator[S3Server]:
    directory.mkdir(parents=True, exist_ok=True)
    watch.keep_secret(_SECRET)
    server = S3Server(free_port())
    # In memory: on a disk its empty directories stay, and are listed as no real one lists them.
    options = ("-host", f"127.0.0.1:{server.port}", "-backend", "memory", "-initialbucket", BUCKET)
    with running(
        [str(find_program("gofakes3")), *options],
        log=directory / "s3.log",
        environment=clean_environment(directory),
        ready=lambda: _answers(server.url),
    ):
        yield server


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
