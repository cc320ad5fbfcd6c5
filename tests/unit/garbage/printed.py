"""What real collectors printed, shortened: 2.7.1, 2.8.2 and 3.1.1 on a storage of two repositories and an empty one.

Digests are one character repeated. Lines are as recorded, trailing spaces included.
"""

import textwrap


def digest(character: str) -> str:
    return "sha256:" + character * 64


def _text(lines: str) -> str:
    return textwrap.dedent(lines).strip("\n").replace("~", " ") + "\n"


MARKING = _text(f"""
    backend/app
    backend/app: marking manifest {digest("0")}~
    backend/app: marking blob {digest("1")}
    backend/app: marking blob {digest("2")}
    backend/app: marking manifest {digest("3")}~
    backend/app: marking blob {digest("1")}
    data/app
    data/app: marking manifest {digest("4")}~
    data/app: marking blob {digest("5")}
    empty
""")

SUMMARY = _text(f"""

    6 blobs marked, 2 blobs and 0 manifests eligible for deletion
    blob eligible for deletion: {digest("a")}
    blob eligible for deletion: {digest("b")}
""")

LINKS = _text(f"""
    backend/app: layer link eligible for deletion: {digest("a")}
    data/app: layer link eligible for deletion: {digest("a")}
    data/app: layer link eligible for deletion: {digest("c")}
""")

DRY_2 = MARKING + "\n" + SUMMARY
DRY_3 = DRY_2 + LINKS

UNTAGGED_2 = _text(f"""
    backend/app
    manifest eligible for deletion: {digest("0")}
    backend/app: marking manifest {digest("3")}~
    backend/app: marking blob {digest("1")}

    2 blobs marked, 1 blobs and 1 manifests eligible for deletion
    blob eligible for deletion: {digest("0")}
""")

UNTAGGED_3 = _text(f"""
    backend/app
    backend/app: marking manifest {digest("3")}~
    data/app
    manifest tags path of repository data/app does not exist
    manifest eligible for deletion: {{backend/app {digest("0")} [latest v0.0.1 v0.0.2]}}

    1 blobs marked, 1 blobs and 1 manifests eligible for deletion
    blob eligible for deletion: {digest("0")}
""")


def _path(character: str) -> str:
    return f"/docker/registry/v2/blobs/sha256/{character * 2}/{character * 64}"


SWEEP_TEXT = _text(f"""
    time="2026-11-23T22:02:23.63645401Z" level=info msg="Deleting blob: {_path("a")}" go.version=go1.19.8 instance.id=b6b36506-d9e5-45b0-9dcc-813c39cd234f service=registry
    time="2026-11-23T22:02:23.63667576Z" level=info msg="Deleting blob: {_path("b")}" go.version=go1.19.8 instance.id=b6b36506-d9e5-45b0-9dcc-813c39cd234f service=registry
""")  # noqa: E501

SWEEP_JSON = _text(f"""
    {{"go.version":"go1.19.8","instance.id":"d0fd9b01","level":"info","msg":"Deleting blob: {_path("a")}","service":"registry","time":"2026-11-23T22:02:24.3Z"}}
    {{"go.version":"go1.19.8","instance.id":"d0fd9b01","level":"info","msg":"Deleting blob: {_path("b")}","service":"registry","time":"2026-11-23T22:02:24.4Z"}}
""")  # noqa: E501

DEBUG_3 = _text("""
    time="2026-11-23T22:02:23.851582512Z" level=debug msg="using \\"text\\" logging formatter"
    time="2026-11-23T22:02:23.852427869Z" level=debug msg="(*manifestStore).Get" environment=development go.version=go1.27.3 service=registry
    time="2026-11-23T22:02:23.852665102Z" level=debug msg="(*manifestStore).Exists" environment=development service=registry
""")  # noqa: E501

USAGE_27 = _text("""
    Error: unknown flag: --quiet
    Run 'registry help' for usage.
""")

USAGE_28 = _text("""
    Error: unknown flag: --quiet
    Usage:
      registry garbage-collect <config> [flags]

    Flags:
      -m, --delete-untagged   delete manifests that are not currently referenced via tag
      -d, --dry-run           do everything except remove the blobs
      -h, --help              help for garbage-collect
""")

INVALID_YAML = _text("""
    configuration error: error parsing /etc/docker/registry/config.yml: yaml: unmarshal errors:
      line 1: cannot unmarshal !!str `{"versi...` into struct { Version configuration.Version }
    Usage:
      registry garbage-collect <config> [flags]
""")
