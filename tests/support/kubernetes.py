"""A small Kubernetes API server for kubectl: it answers discovery and lists of objects as the real one does, and
nothing else. `kubectl` itself is real."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

_GROUPS: Mapping[str, Mapping[str, str]] = {
    "v1": {"pods": "Pod", "replicationcontrollers": "ReplicationController"},
    "apps/v1": {
        "deployments": "Deployment",
        "statefulsets": "StatefulSet",
        "daemonsets": "DaemonSet",
        "replicasets": "ReplicaSet",
        "controllerrevisions": "ControllerRevision",
    },
    "batch/v1": {"jobs": "Job", "cronjobs": "CronJob"},
}


@dataclass
class ClusterForTests:
    """`objects`: resource → what there is of it. `forbidden`: resources that this user may not list. `asked`: paths."""

    kubeconfig: Path
    objects: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    forbidden: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def add(self, resource: str, name: str, **parts: Any) -> None:
        metadata = {"name": name, "namespace": "shop", "uid": f"{resource}-{name}", "resourceVersion": "1"}
        self.objects.setdefault(resource, []).append({"metadata": metadata, **parts})


def pod_spec(*images: str, policy: str = "IfNotPresent") -> dict[str, Any]:
    return {
        "containers": [
            {"name": f"c{number}", "image": image, "imagePullPolicy": policy} for number, image in enumerate(images)
        ]
    }


def pod_status(*running: tuple[str, str]) -> dict[str, Any]:
    """Of each container its image's name and its imageID."""
    statuses = [
        {"name": f"c{number}", "image": image, "imageID": image_id, "ready": True, "restartCount": 0}
        for number, (image, image_id) in enumerate(running)
    ]
    return {"phase": "Running", "containerStatuses": statuses}


@contextmanager
def start_cluster(directory: Path, contexts: Sequence[str] = ("prod",)) -> Iterator[ClusterForTests]:
    """Its kubeconfig has these contexts."""
    directory.mkdir(parents=True, exist_ok=True)
    cluster = ClusterForTests(directory / "kubeconfig")
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(cluster))
    named = [{"name": name, "context": {"cluster": "test", "user": "test"}} for name in contexts]
    address = f"http://127.0.0.1:{server.server_address[1]}"
    # JSON is YAML, and needs no library.
    cluster.kubeconfig.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "test", "cluster": {"server": address}}],
                "users": [{"name": "test", "user": {}}],
                "contexts": named,
            }
        )
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield cluster
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(cluster: ClusterForTests) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            cluster.asked.append(self.path)
            code, value = _answer(cluster, self.path)
            body = json.dumps(value).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


def _answer(cluster: ClusterForTests, target: str) -> tuple[int, dict[str, Any]]:
    parts = urlsplit(target)
    path, query = parts.path.strip("/"), parse_qs(parts.query)
    if path == "api":
        return 200, {"kind": "APIVersions", "versions": ["v1"]}
    if path == "apis":
        groups = [
            {"name": name.split("/")[0], "versions": [_version(name)], "preferredVersion": _version(name)}
            for name in _GROUPS
            if "/" in name
        ]
        return 200, {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
    version = path.removeprefix("apis/").removeprefix("api/")
    if version in _GROUPS:
        resources = [
            {"name": name, "singularName": "", "namespaced": True, "kind": kind, "verbs": ["get", "list"]}
            for name, kind in _GROUPS[version].items()
        ]
        return 200, {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": resources}
    version, _, resource = version.rpartition("/")
    if resource not in _GROUPS.get(version, {}):
        return 404, _status(404, "NotFound", "the server could not find the requested resource")
    if resource in cluster.forbidden:
        message = f'{resource} is forbidden: User "test" cannot list resource "{resource}" at the cluster scope'
        return 403, _status(403, "Forbidden", message)
    kind = _GROUPS[version][resource]
    objects = cluster.objects.get(resource, [])
    begin, limit = int(query.get("continue", ["0"])[0]), int(query.get("limit", ["0"])[0]) or len(objects)
    some = objects[begin : begin + limit]
    metadata: dict[str, Any] = {"resourceVersion": "1"}
    if begin + limit < len(objects):
        metadata["continue"] = str(begin + limit)
    return 200, {"kind": f"{kind}List", "apiVersion": version, "metadata": metadata, "items": some}


def _version(name: str) -> dict[str, str]:
    return {"groupVersion": name, "version": name.rpartition("/")[2]}


def _status(code: int, reason: str, message: str) -> dict[str, Any]:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    }
