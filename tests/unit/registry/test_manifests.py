"""Reading and writing manifests and blobs: exact bytes, verified, and what is told where that fails."""

import httpx
import pytest

from regtui import bounds
from regtui.oci import media_type as mt
from regtui.oci.digest import Digest
from regtui.registry.errors import (
    BadAnswer,
    BlobNotFound,
    DigestMismatch,
    ManifestNotFound,
    NotFound,
    Refused,
    RegistryError,
    Unreachable,
)
from regtui.registry.probing import deletion_support
from regtui.registry.values import BlobState, Deletion, Resolved
from tests.unit.oci.test_manifest import signed
from tests.unit.registry.scripted import Answer, Scripted, by_path, in_turn, pong, refusal

BODY = b'{"schemaVersion": 2,\n "manifests": []}'
DIGEST = Digest.of(BODY)
OTHER = Digest.of(b"other")


def manifest(body: bytes = BODY, digest: str = DIGEST, media_type: str = mt.OCI_INDEX) -> httpx.Response:
    headers = {"Content-Type": media_type} | ({"Docker-Content-Digest": digest} if digest else {})
    return httpx.Response(200, headers=headers, content=body)


def head(digest: str = DIGEST, **headers: str) -> httpx.Response:
    return httpx.Response(200, headers={"Content-Type": mt.OCI_INDEX, "Docker-Content-Digest": digest, **headers})


async def test_exact_bytes() -> None:
    registry = in_turn(manifest())
    async with registry.client() as client:
        fetched = await client.manifest("team/a", "x")
    assert (fetched.body, fetched.digest, fetched.media_type) == (BODY, DIGEST, mt.OCI_INDEX)
    assert registry.lines == ["GET /v2/team/a/manifests/x"]
    # With less, 2.x converts what it has.
    accepted = registry.asked[0].headers["Accept"]
    for kind in (mt.OCI_INDEX, mt.OCI_MANIFEST, mt.DOCKER_LIST, mt.DOCKER_MANIFEST, mt.DOCKER_SCHEMA1_SIGNED):
        assert kind in accepted


@pytest.mark.parametrize("reference", [DIGEST, "x"])
async def test_a_missing_digest_header_is_made_up_for(reference: str) -> None:
    async with in_turn(manifest(digest="")).client() as client:
        assert (await client.manifest("a", reference)).digest == DIGEST


@pytest.mark.parametrize(
    ("reference", "answer"), [(OTHER, manifest()), ("x", manifest(digest=OTHER)), (OTHER, manifest(digest=OTHER))]
)
async def test_other_content_than_the_digest_says_is_refused_with_both_named(
    reference: str, answer: httpx.Response
) -> None:
    async with in_turn(answer).client() as client:
        with pytest.raises(DigestMismatch) as caught:
            await client.manifest("a", reference)
    assert f"expected {OTHER}, got {DIGEST}" in caught.value.message
    assert caught.value.exit_code == 1


async def test_signed_schema_1_is_verified_by_its_payload() -> None:
    payload = b'{\n   "schemaVersion": 1,\n   "name": "old"\n}'
    body = signed(payload)
    for named in (Digest.of(payload), ""):
        answer = manifest(body, named, mt.DOCKER_SCHEMA1_SIGNED)
        async with in_turn(answer).client() as client:
            fetched = await client.manifest("a", "x")
        assert (fetched.digest, fetched.body) == (Digest.of(payload), body)


# What a tag leads to


async def test_head_tells_digest_type_and_size() -> None:
    registry = in_turn(head(**{"Content-Length": "528"}))
    async with registry.client() as client:
        assert await client.resolve("a", "x") == Resolved(DIGEST, mt.OCI_INDEX, 528)
    assert registry.lines == ["HEAD /v2/a/manifests/x"]


@pytest.mark.parametrize(
    "answer", [head(digest=""), head(digest="nonsense"), httpx.Response(405)], ids=["none", "nonsense", "405"]
)
async def test_where_head_does_not_help_get_does(answer: httpx.Response) -> None:
    registry = by_path({"HEAD /v2/a/manifests/x": answer, "GET /v2/a/manifests/x": manifest()})
    async with registry.client() as client:
        assert await client.resolve("a", "x") == Resolved(DIGEST, mt.OCI_INDEX, len(BODY))


@pytest.mark.parametrize(
    ("by_head", "by_get", "trusted"),
    [(DIGEST, DIGEST, True), (OTHER, DIGEST, False), (OTHER, None, False)],
    ids=["agree", "stale", "gone"],
)
async def test_what_head_says_against_expectation_get_decides(
    by_head: Digest, by_get: Digest | None, trusted: bool
) -> None:
    answer = manifest() if by_get else refusal(404, "MANIFEST_UNKNOWN")
    registry = by_path({"HEAD /v2/a/manifests/x": head(by_head), "GET /v2/a/manifests/x": answer})
    async with registry.client(tries=1) as client:
        assert (await client.resolve("a", "x", expected=[by_head])).digest == by_head
        assert registry.lines == ["HEAD /v2/a/manifests/x"]
        if by_get:
            assert (await client.resolve("a", "x", expected=[Digest.of(b"planned"), None])).digest == by_get
        else:
            with pytest.raises(ManifestNotFound):
                await client.resolve("a", "x", expected=[Digest.of(b"planned")])
        assert client.answers_head is trusted


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 406, 500, 501])
async def test_what_head_refuses_get_decides_and_head_is_not_asked_again(status: int) -> None:
    def script(request: httpx.Request) -> Answer:
        if request.method == "HEAD":
            return httpx.Response(status)
        return manifest() if request.url.path.endswith("/x") else refusal(404, "MANIFEST_UNKNOWN")

    registry = Scripted(script)
    async with registry.client(tries=1) as client:
        for _ in range(3):
            assert (await client.resolve("a", "x")).digest == DIGEST
        with pytest.raises(ManifestNotFound):
            await client.resolve("a", "gone")
        assert not client.answers_head
    assert registry.lines == [
        "HEAD /v2/a/manifests/x",
        *["GET /v2/a/manifests/x"] * 3,
        "GET /v2/a/manifests/gone",
    ]


async def test_where_get_agrees_head_is_asked_on() -> None:
    registry = by_path({"HEAD /v2/a/manifests/x": head()})
    async with registry.client() as client:
        with pytest.raises(ManifestNotFound):
            await client.resolve("a", "gone")
        await client.resolve("a", "x")
        assert client.answers_head
    assert registry.lines[-1] == "HEAD /v2/a/manifests/x"


@pytest.mark.parametrize("answer", [httpx.Response(429), httpx.ConnectError("refused")])
async def test_where_get_would_fare_alike_it_is_not_asked(answer: Answer) -> None:
    registry = in_turn(answer)
    async with registry.client(tries=1) as client:
        with pytest.raises(RegistryError):
            await client.resolve("a", "x")
    assert registry.lines == ["HEAD /v2/a/manifests/x"]


@pytest.mark.parametrize(
    "detail",
    [{"Tag": "x", "Revision": OTHER}, f"unknown manifest name=a revision={OTHER}"],
    ids=["2.x", "3.x"],
)
async def test_a_dangling_tag_tells_which_manifest_is_gone(detail: object) -> None:
    registry = by_path(
        {
            "HEAD /v2/a/manifests/x": httpx.Response(404),
            "GET /v2/a/manifests/x": refusal(404, "MANIFEST_UNKNOWN", detail),
        }
    )
    async with registry.client() as client:
        with pytest.raises(ManifestNotFound) as caught:
            await client.resolve("a", "x")
    assert caught.value.missing_digest == OTHER
    # Asked by digest there is no tag that could dangle.
    async with in_turn(refusal(404, "MANIFEST_UNKNOWN", detail)).client() as client:
        with pytest.raises(ManifestNotFound) as caught:
            await client.manifest("a", OTHER)
    assert caught.value.missing_digest == ""


@pytest.mark.parametrize("detail", [None, {"Tag": "x"}, "unknown tag=x", [], 5, {"Revision": 5}])
async def test_a_missing_tag_has_no_such_digest(detail: object) -> None:
    async with in_turn(refusal(404, "MANIFEST_UNKNOWN", detail)).client() as client:
        with pytest.raises(ManifestNotFound) as caught:
            await client.manifest("a", "x")
    assert caught.value.missing_digest == ""
    assert caught.value.message == "registry.example.com has no manifest a:x."


PAGE = b"<!doctype html><title>Log in</title>"


@pytest.mark.parametrize(
    ("reference", "headers"),
    [
        ("x", {"Content-Type": "text/html; charset=utf-8"}),
        (DIGEST, {"Content-Type": "text/html"}),
        ("x", {"Content-Type": mt.OCI_MANIFEST}),
        ("x", {}),
    ],
)
async def test_a_web_page_with_200_is_no_manifest(reference: str, headers: dict[str, str]) -> None:
    registry = Scripted(
        lambda request: httpx.Response(200, headers=headers, content=PAGE if request.method == "GET" else b"")
    )
    async with registry.client() as client:
        for call in (client.manifest, client.resolve):
            with pytest.raises(BadAnswer, match=f"answers the manifest a.{reference} with something that is none"):
                await call("a", reference)


# Blobs


async def test_a_blob_is_verified() -> None:
    async with in_turn(httpx.Response(200, content=b"config")).client() as client:
        assert await client.blob("a", Digest.of(b"config")) == b"config"
        with pytest.raises(DigestMismatch):
            await client.blob("a", OTHER)


async def test_a_body_beyond_its_limit_is_not_read() -> None:
    read: list[int] = []

    class Endless(httpx.AsyncByteStream):
        async def __aiter__(self):  # type: ignore[no-untyped-def]
            while True:
                read.append(1)
                yield b"\0" * 1024

    registry = Scripted(lambda request: httpx.Response(200, stream=Endless()))
    async with registry.client() as client:
        with pytest.raises(BadAnswer, match="more than 9 KiB"):
            await client.blob("a", DIGEST, limit=10_000)
        assert len(read) == 10
        # A server that doesn't know ranges would send the whole layer.
        assert await client.has_blob("a", DIGEST)
        assert len(read) == 11


async def test_of_what_a_change_is_answered_little_is_read() -> None:
    """Its status says what was done: nobody wants the rest."""
    read: list[int] = []

    class Endless(httpx.AsyncByteStream):
        async def __aiter__(self):  # type: ignore[no-untyped-def]
            while True:
                read.append(1)
                yield b"\0" * 1024

    registry = Scripted(lambda request: httpx.Response(202, stream=Endless()))
    async with registry.client() as client:
        await client.delete_manifest("a", DIGEST)
    assert len(read) == bounds.ERROR // 1024 + 1


@pytest.mark.parametrize(
    ("answer", "there"),
    [
        (httpx.Response(206, content=b"{"), True),
        (httpx.Response(200, content=b"{}"), True),
        (httpx.Response(416), True),
        (httpx.Response(200, content=b""), False),
        (refusal(404, "BLOB_UNKNOWN"), False),
    ],
)
async def test_whether_a_blob_is_there(answer: httpx.Response, there: bool) -> None:
    registry = in_turn(answer)
    async with registry.client() as client:
        assert await client.has_blob("a", DIGEST) is there
    assert registry.asked[0].headers["Range"] == "bytes=0-0"


@pytest.mark.parametrize(
    ("answer", "size", "state"),
    [
        (httpx.Response(206, content=b"{", headers={"Content-Range": "bytes 0-0/7"}), 7, BlobState.THERE),
        (httpx.Response(206, content=b"{", headers={"Content-Range": "bytes 0-0/1"}), 7, BlobState.CUT),
        (httpx.Response(206, content=b"{", headers={"Content-Range": "bytes 0-0/*"}), 7, BlobState.THERE),
        (httpx.Response(206, content=b"{", headers={"Content-Range": "bytes 0-0/" + "9" * 5000}), 7, BlobState.THERE),
        (
            httpx.Response(206, content=b"{", headers=[(b"Content-Range", "bytes 0-0/\u0661".encode())]),
            7,
            BlobState.THERE,
        ),
        (httpx.Response(206, content=b"{"), 7, BlobState.THERE),
        (httpx.Response(200, content=b"{}"), 2, BlobState.THERE),
        (httpx.Response(200, content=b"{}"), 7, BlobState.CUT),
        (httpx.Response(200, content=b""), 7, BlobState.CUT),
        (httpx.Response(200, content=b""), 0, BlobState.THERE),
        (httpx.Response(416, headers={"Content-Range": "bytes */0"}), 7, BlobState.CUT),
        (httpx.Response(416, headers={"Content-Range": "bytes */0"}), 0, BlobState.THERE),
        (httpx.Response(416), 7, BlobState.THERE),
        (refusal(404, "BLOB_UNKNOWN"), 7, BlobState.GONE),
    ],
)
async def test_whether_a_blob_is_as_long_as_it_should_be(answer: httpx.Response, size: int, state: BlobState) -> None:
    async with in_turn(answer).client() as client:
        assert await client.blob_state("a", DIGEST, size) is state


async def test_a_collected_blob_that_the_registry_remembers_breaks_off() -> None:
    broken = httpx.RemoteProtocolError("peer closed connection without sending complete message body")
    registry = by_path({f"/v2/a/blobs/{DIGEST}": broken, "/v2/": pong()})
    async with registry.client() as client:
        assert not await client.has_blob("a", DIGEST)
    # Not so where nothing answers any more.
    async with in_turn(broken).client() as client:
        with pytest.raises(Unreachable):
            await client.has_blob("a", DIGEST)


async def test_a_blob_that_is_missing() -> None:
    async with in_turn(refusal(404, "BLOB_UNKNOWN")).client() as client:
        with pytest.raises(BlobNotFound, match="has no blob"):
            await client.blob("a", DIGEST)


# Writing


@pytest.mark.parametrize(
    "location",
    [
        "/reg/v2/a/blobs/uploads/u?_state=s%3D",
        "https://registry.example.com/reg/v2/a/blobs/uploads/u?_state=s%3D",
        # Behind a proxy: an inner host, another scheme, without the prefix.
        "http://registry:5000/v2/a/blobs/uploads/u?_state=s%3D",
        "https://evil.example.net/v2/a/blobs/uploads/u?_state=s%3D",
        # Relative to what was asked.
        "u?_state=s%3D",
    ],
)
async def test_an_upload_goes_on_at_our_own_registry(location: str) -> None:
    registry = in_turn(httpx.Response(202, headers={"Location": location}), httpx.Response(201))
    async with registry.client(address="https://registry.example.com/reg") as client:
        assert await client.upload_blob("a", b"content") == Digest.of(b"content")
    put = registry.asked[1]
    assert (put.url.scheme, put.url.host, put.url.port) == ("https", "registry.example.com", None)
    assert put.url.path == "/reg/v2/a/blobs/uploads/u"
    assert dict(put.url.params) == {"_state": "s=", "digest": Digest.of(b"content")}
    assert put.content == b"content"


@pytest.mark.parametrize("headers", [{}, {"Location": "https://h:port/x"}])
async def test_an_upload_that_leads_nowhere(headers: dict[str, str]) -> None:
    async with in_turn(httpx.Response(202, headers=headers)).client() as client:
        with pytest.raises(BadAnswer, match="without saying where"):
            await client.upload_blob("a", b"content")


async def test_a_manifest_is_stored_under_its_exact_type() -> None:
    registry = in_turn(httpx.Response(201))
    async with registry.client() as client:
        assert await client.put_manifest("a", "x", BODY, mt.OCI_INDEX) == DIGEST
    assert (registry.asked[0].headers["Content-Type"], registry.asked[0].content) == (mt.OCI_INDEX, BODY)


async def test_a_mount_that_becomes_an_upload_was_none() -> None:
    async with in_turn(httpx.Response(201), httpx.Response(202)).client() as client:
        assert await client.mount_blob("a", DIGEST, "b")
        assert not await client.mount_blob("a", DIGEST, "b")


# What can be deleted


def deleting(by_digest: Answer, by_tag: Answer) -> Scripted:
    return Scripted(lambda request: by_digest if "sha256:" in request.url.path else by_tag)


READ_ONLY = httpx.Response(405, headers={"Allow": "GET, HEAD"}, text="Method not allowed")
UNKNOWN = refusal(404, "MANIFEST_UNKNOWN")


@pytest.mark.parametrize(
    ("by_digest", "by_tag", "expected"),
    [
        (UNKNOWN, UNKNOWN, Deletion.BY_TAG),
        (UNKNOWN, refusal(400, "DIGEST_INVALID"), Deletion.BY_DIGEST),
        (refusal(405, "UNSUPPORTED"), UNKNOWN, Deletion.UNSUPPORTED),
        (READ_ONLY, READ_ONLY, Deletion.READ_ONLY),
        (refusal(401, "UNAUTHORIZED"), UNKNOWN, Deletion.NOT_ALLOWED),
        (refusal(403, "DENIED"), UNKNOWN, Deletion.NOT_ALLOWED),
        (refusal(500, "UNKNOWN"), UNKNOWN, Deletion.UNKNOWN),
    ],
)
async def test_what_may_be_deleted_is_asked_of_things_that_cant_exist(
    by_digest: Answer, by_tag: Answer, expected: Deletion
) -> None:
    registry = deleting(by_digest, by_tag)
    async with registry.client(tries=1) as client:
        assert await deletion_support(client, "a") is expected
    for request in registry.asked:
        reference = request.url.path.rpartition("/")[2]
        assert reference == "sha256:" + "0" * 64 or reference.startswith("regtui-probe-")


async def test_a_tag_that_cant_be_deleted_alone() -> None:
    async with in_turn(refusal(400, "DIGEST_INVALID")).client() as client:
        with pytest.raises(Refused, match="can't delete a tag alone") as caught:
            await client.delete_tag("a", "x")
    assert caught.value.exit_code == 6


async def test_a_reference_never_leaves_its_place_in_the_path() -> None:
    registry = in_turn(UNKNOWN)
    async with registry.client() as client:
        for call in (client.delete_tag, client.manifest, client.resolve):
            with pytest.raises(RegistryError):
                await call("a", "x/../../b/manifests/y?z#")
    assert {request.url.raw_path for request in registry.asked} == {
        b"/v2/a/manifests/x%2F..%2F..%2Fb%2Fmanifests%2Fy%3Fz%23"
    }


async def test_a_deletion_is_waited_for_and_the_question_whether_there_is_one_is_not() -> None:
    """What can't be there is refused at once: who doesn't answer that shall not hold up a plan for ten minutes."""
    scripted = Scripted(lambda _: httpx.Response(404, json={"errors": [{"code": "MANIFEST_UNKNOWN"}]}))
    async with scripted.client() as client:
        await deletion_support(client, "a")
        with pytest.raises(NotFound):
            await client.delete_manifest("a", Digest.of(b"x"))
    waited = [request.extensions["timeout"]["read"] for request in scripted.asked]
    assert waited == [bounds.TIMEOUT, bounds.TIMEOUT, bounds.DELETE]
