"""A registry that answers with what a test has made, of any size, and nothing else: for what must not cost memory."""

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from regtui.oci import media_type as mt

REPOSITORY = "team/app"

Answers = dict[str, tuple[str, bytes]]
"""PATH, without the query → media type and body."""


def digest_of(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def images(contents: Mapping[str, tuple[bytes, Mapping[str, Any]]]) -> Answers:
    """A repository whose tags have these configs, and manifests with these keys more."""
    answers = {
        "/v2/": ("application/json", b"{}"),
        "/v2/_catalog": ("application/json", json.dumps({"repositories": [REPOSITORY]}).encode()),
        f"/v2/{REPOSITORY}/tags/list": (
            "application/json",
            json.dumps({"name": REPOSITORY, "tags": list(contents)}).encode(),
        ),
    }
    for tag, (config, more) in contents.items():
        manifest = {
            "schemaVersion": 2,
            "mediaType": mt.OCI_MANIFEST,
            "config": {"mediaType": mt.OCI_CONFIG, "digest": digest_of(config), "size": len(config)},
            "layers": [],
            **more,
        }
        body = json.dumps(manifest, separators=(",", ":")).encode()
        for name in (tag, digest_of(body)):
            answers[f"/v2/{REPOSITORY}/manifests/{name}"] = (mt.OCI_MANIFEST, body)
        answers[f"/v2/{REPOSITORY}/blobs/{digest_of(config)}"] = ("application/octet-stream", config)
    return answers


def index(tag: str, configs: Sequence[bytes]) -> Answers:
    """A repository with one tag, an index of images with these configs."""
    answers = images({f"{number}": (config, {}) for number, config in enumerate(configs)})
    children = []
    for number in range(len(configs)):
        _, body = answers.pop(f"/v2/{REPOSITORY}/manifests/{number}")
        platform = {"os": "linux", "architecture": f"a{number}"}
        children.append(
            {"mediaType": mt.OCI_MANIFEST, "digest": digest_of(body), "size": len(body), "platform": platform}
        )
    body = json.dumps({"schemaVersion": 2, "mediaType": mt.OCI_INDEX, "manifests": children}).encode()
    for name in (tag, digest_of(body)):
        answers[f"/v2/{REPOSITORY}/manifests/{name}"] = (mt.OCI_INDEX, body)
    answers[f"/v2/{REPOSITORY}/tags/list"] = ("application/json", json.dumps({"tags": [tag]}).encode())
    return answers


@contextmanager
def serving(answers: Answers, asked: list[str] | None = None) -> Iterator[str]:
    """The address that answers so, and 404 to all else. `asked`: gets the path of each request."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if asked is not None:
                asked.append(path)
            kind, body = answers.get(path, ("application/json", b""))
            self.send_response(200 if path in answers else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            if kind.endswith("+json"):
                self.send_header("Docker-Content-Digest", digest_of(body))
            self.end_headers()
            if self.command == "GET":
                # Who has enough hangs up.
                with suppress(ConnectionError):
                    self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815 (the name that http.server asks for)

        def log_message(self, format: str, *args: object) -> None:
            """Nobody reads it."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, request: object, client_address: object) -> None:
            """Commands end with their connections open."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
