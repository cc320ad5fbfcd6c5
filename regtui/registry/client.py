"""The client: each method is one operation of the distribution specification."""

import re
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

import httpx

from regtui import bounds
from regtui.oci import media_type as mt
from regtui.oci.descriptor import Descriptor
from regtui.oci.digest import Digest
from regtui.oci.manifest import Index, parse_manifest
from regtui.oci.reference import is_tag
from regtui.oci.schema1 import signed_payload
from regtui.registry import errors
from regtui.registry.address import Address
from regtui.registry.catalog import CatalogReader
from regtui.registry.errors import Where
from regtui.registry.exchanges import RequestLog
from regtui.registry.http import Explain, RegistryHttp
from regtui.registry.identity import RegistryId
from regtui.registry.locations import NO_ADDRESS
from regtui.registry.pages import Bound, PagedListing, listed, next_query
from regtui.registry.retry import Safety
from regtui.registry.settings import HttpSettings
from regtui.registry.tls import Certificate
from regtui.registry.token_clock import GivenToken
from regtui.registry.values import (
    BlobState,
    CatalogPage,
    Credential,
    FetchedManifest,
    Keychain,
    LookUp,
    Pong,
    Resolved,
)

# RFC 9110 section 14.4: `bytes 0-0/1234`, and with 416 `bytes */1234`.
_TOTAL: Final = re.compile(r"bytes (?:[0-9]+-[0-9]+|\*)/([0-9]{1,19})", re.ASCII)
_LENGTH: Final = re.compile(r"[0-9]{1,19}")
# What a 404 says of the manifest or repository that was asked about, rather than of the question.
_OF_ONE: Final = frozenset({"MANIFEST_UNKNOWN", "NAME_UNKNOWN"})


class RegistryClient:
    """One registry. Everything raises RegistryError. Lives on one event loop; `async with` closes its connections.

    `look_up`: in place of a credential, how to find those of this registry, once it asks for a login. `explain`: says
    of a refused login which one it was.
    """

    def __init__(
        self,
        address: Address,
        credential: Credential | None = None,
        settings: HttpSettings | None = None,
        look_up: LookUp | None = None,
        explain: Explain | None = None,
    ) -> None:
        keychain = Keychain(credential)
        self._look_up = look_up or (lambda: keychain)
        self._settings = settings or HttpSettings()
        # None while nothing is known of it.
        self._has_referrers: bool | None = None
        # Until it shows otherwise.
        self._answers_head = True
        self._http = RegistryHttp(address, self._look_up, self._settings)
        if explain is not None:
            self._http.explain = explain

    @property
    def address(self) -> Address:
        return self._http.address

    @property
    def identity(self) -> RegistryId:
        """Which registry this is, the host that it is reached from included."""
        tunnel = self._settings.tunnel
        return RegistryId.of(self.address, tunnel.destination if tunnel is not None else None)

    @property
    def host(self) -> str:
        return self.address.name

    @property
    def given_token(self) -> GivenToken | None:
        """The last one that its token service gave; None where there is none."""
        return self._http.given_token

    @property
    def auth_scheme(self) -> str:
        """`basic`, `bearer`, or empty where the registry asked for nothing so far."""
        return self._http.auth_scheme

    @property
    def username(self) -> str:
        """Who is logged in; empty where nobody is, or a token doesn't say whose it is."""
        return self._http.username if self.auth_scheme else ""

    @property
    def log(self) -> RequestLog:
        """Its requests of the last while."""
        return self._http.log

    @property
    def has_answered(self) -> bool:
        """Whether anything came that is an answer, whatever it says."""
        return self._http.has_answered

    @property
    def date(self) -> str:
        """The `Date` header of the registry's last answer; empty where there was none."""
        return self._http.date

    @property
    def by_way_of(self) -> str:
        """What leads to the registry: a proxy or a tunnel; empty where the way is direct."""
        return self._http.by_way_of

    @property
    def tunneled_to(self) -> str:
        """The host where the SSH tunnel to the registry ends; empty where there is none."""
        tunnel = self._settings.tunnel
        return tunnel.end if tunnel is not None else ""

    @property
    def is_insecure(self) -> bool:
        """Whether certificates aren't checked."""
        return self._settings.tls.insecure

    async def certificate(self) -> Certificate | None:
        """What the registry shows; None without TLS, and where it can't be found out."""
        return await self._http.certificate()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.close()

    @property
    def in_flight(self) -> int:
        """How many requests the registry can take at once, as far as is known now."""
        return self._http.in_flight

    @property
    def silent_for(self) -> float:
        """Seconds for which requests have been waiting without any answer at all; 0 while none waits."""
        return self._http.silent_for

    @property
    def waited_in_vain(self) -> float:
        """Seconds for which requests about repositories hung until they were given up; those side by side, once."""
        return self._http.waited_in_vain

    # Reading

    async def ping(self) -> Pong:
        """`GET /v2/`: reachable, a registry, and the credential accepted (distribution-spec, "Determining Support").

        Where the address names no scheme and is a loopback one, HTTP is tried when HTTPS isn't spoken.
        """
        try:
            return await self._ping()
        except errors.SpeaksHttp:
            if self.address.scheme or not self.address.is_loopback:
                raise
        await self._http.close()
        explain = self._http.explain
        self._http = RegistryHttp(self.address.over("http"), self._look_up, self._settings, self._http.log)
        self._http.explain = explain
        return await self._ping()

    async def _ping(self) -> Pong:
        where = self._where("answering")
        try:
            response = await self._http.ping()
        except errors.NotFound as error:
            raise errors.NotARegistry(
                where,
                f"{self.host} answers, but it is no registry: /v2/ does not exist there.",
                "Check the port, and the path prefix if there is one.",
                status=404,
            ) from error
        api_version = response.headers.get("Docker-Distribution-Api-Version", "")
        kind = mt.essence(response.headers.get("Content-Type", ""))
        if not api_version and kind == "text/html":
            raise errors.NotARegistry(
                where,
                f"{self.host} answers with a web page: it is no registry.",
                "Check the port, and the path prefix if there is one.",
            )
        return Pong(api_version, _version_hint(response))

    def catalog(self) -> AsyncIterator[CatalogPage]:
        """All repositories, page by page as they arrive."""
        where = self._where("listing the repositories")

        async def fetch(query: Mapping[str, str]) -> httpx.Response:
            return await self._http.send("GET", "/v2/_catalog", where, scope="registry:catalog:*", params=query)

        return CatalogReader(fetch, self.has_tags, where).pages()

    async def has_tags(self, repository: str) -> bool:
        """Whether the repository has, or had, tags."""
        try:
            async for _ in self.tags(repository):
                break
        except errors.NotFound:
            return False
        return True

    async def tags(self, repository: str) -> AsyncIterator[tuple[str, ...]]:
        """All tags, page by page, in the registry's order. Without `n` 2.x and 3.x give everything at once, which
        is their fastest; registries that page by themselves are followed by their Link. Raises BadAnswer where that
        never ends."""
        where = self._where("listing the tags", repository)
        path = f"/v2/{repository}/tags/list"
        query: dict[str, str] | None = {}
        listing = PagedListing()
        seen: set[str] = set()
        while query is not None and not listing.asks_again(query):
            asked = self._http.send("GET", path, where, scope=_pull(repository), params=query)
            try:
                response = await listing.waited_for(asked)
            except TimeoutError:
                raise self._cut(where, Bound.TIME, f"tags of {repository}", listing) from None
            try:
                names = listed(response, "tags")
                query = next_query(response)
            except ValueError:
                raise errors.BadAnswer(
                    where, f"{self.host} answers the tags of {repository} with something that is no list."
                ) from None
            # Names outside the grammar can't be asked for; as in the catalog they are passed over.
            fresh = [name for name in dict.fromkeys(names) if name not in seen and is_tag(name)]
            listing.page(len(response.content), len(fresh))
            if (bound := listing.bound) is not None:
                raise self._cut(where, bound, f"tags of {repository}", listing)
            if query is not None or seen:
                seen.update(fresh)
            yield tuple(fresh)

    @property
    def answers_head(self) -> bool:
        """Whether HEAD can be trusted here. False once a GET gave what HEAD refused, or named no digest of."""
        return self._answers_head

    def distrust_head(self) -> None:
        """A GET gave something else than HEAD said."""
        self._answers_head = False

    async def resolve(self, repository: str, reference: str, *, expected: Collection[Digest | None] = ()) -> Resolved:
        """What `reference` (tag or digest) leads to. By HEAD, which only saves the body: what it refuses, GET decides,
        and where the two disagree once, HEAD isn't asked again.

        `expected`: what it is to lead to, by all that is known; None for nothing. Where HEAD says something else, GET
        decides, too: a cache before the registry may answer HEAD with what was.
        """
        by_head = await self._by_head(repository, reference) if self._answers_head else None
        if by_head is not None and (not expected or by_head.digest in expected):
            return by_head
        try:
            # A 404 has a body here, which tells a dangling tag from a missing one.
            fetched = await self.manifest(repository, reference)
        except errors.NotFound:
            self._answers_head = self._answers_head and by_head is None
            raise
        if by_head is None or by_head.digest != fetched.digest:
            self._answers_head = False
        return Resolved(fetched.digest, fetched.media_type, len(fetched.body))

    async def _by_head(self, repository: str, reference: str) -> Resolved | None:
        """None where the answer settles nothing. Raises where there was none, or where GET would fare alike."""
        where = self._where("looking up the manifest", repository, reference)
        try:
            response = await self._manifest_request("HEAD", where)
        except errors.RateLimited:
            raise
        except errors.RegistryError as error:
            if isinstance(error, errors.Unreachable) and (error.affects_all or not error.reached):
                raise
            # Seen where GET answers 200: 401, 403, 404, 405, 500 and 501, by proxies and caches that only know GET.
            return None
        digest = Digest.or_none(response.headers.get("Docker-Content-Digest"))
        if digest is None:
            return None
        length = response.headers.get("Content-Length", "")
        return Resolved(
            digest,
            mt.essence(response.headers.get("Content-Type", "")),
            int(length) if length.isascii() and length.isdecimal() and len(length) < 20 else None,
        )

    async def manifest(self, repository: str, reference: str) -> FetchedManifest:
        """A manifest's exact bytes. Verified against the digest asked for, or the one the registry names.

        Raises DigestMismatch where they differ, ManifestNotFound where there is none.
        """
        where = self._where("reading the manifest", repository, reference)
        response = await self._manifest_request("GET", where)
        media_type = mt.essence(response.headers.get("Content-Type", ""))
        named = Digest.or_none(response.headers.get("Docker-Content-Digest"))
        wanted = Digest.or_none(reference) or named
        body = response.content
        if media_type == "text/html" or (wanted is None and not body.lstrip().startswith(b"{")):
            raise errors.BadAnswer(
                where,
                f"{self.host} answers the manifest {where.target} with something that is none.",
                "Check what stands before the registry: a login page answers so.",
            )
        payload = signed_payload(body) if media_type == mt.DOCKER_SCHEMA1_SIGNED else body
        if wanted is None:
            return FetchedManifest(Digest.of(payload), media_type, body)
        if not wanted.matches(body) and not wanted.matches(payload):
            raise self._mismatch(where, wanted, body)
        return FetchedManifest(wanted, media_type, body)

    async def blob(self, repository: str, digest: Digest, *, limit: int = bounds.CONFIG) -> bytes:
        """A blob of at most `limit` bytes, verified. For configs: layers don't belong into memory."""
        where = self._where("reading the blob", repository, digest)
        path = f"/v2/{repository}/blobs/{digest}"
        response = await self._http.send("GET", path, where, scope=_pull(repository), limit=limit)
        if not digest.matches(response.content):
            raise self._mismatch(where, digest, response.content)
        return response.content

    async def has_blob(self, repository: str, digest: Digest) -> bool:
        """Whether the blob's content is there, however much of it."""
        return await self.blob_state(repository, digest) is BlobState.THERE

    async def blob_state(self, repository: str, digest: Digest, size: int | None = None) -> BlobState:
        """Whether the blob's content is there: its first byte is read, as HEAD lies about collected blobs until the
        registry restarts (2.x and 3.x with their in-memory cache): they answer 206, and break off. `size`: the bytes
        that it should have; where the registry says how many it has, they are compared."""
        where = self._where("checking the blob", repository, digest)
        path = f"/v2/{repository}/blobs/{digest}"
        headers = {"Range": "bytes=0-0"}
        try:
            # Not all that stands before a registry knows ranges: the rest of a layer is not waited for.
            response = await self._http.send(
                "GET", path, where, scope=_pull(repository), headers=headers, accept=frozenset({416}), enough=1
            )
        except errors.NotFound:
            return BlobState.GONE
        except errors.Unreachable as error:
            if error.affects_all or not error.dropped:
                raise
            # It broke off each time, and for this blob alone.
            return BlobState.GONE
        has = _blob_size(response)
        if size is not None and has is not None:
            return BlobState.THERE if has == size else BlobState.CUT
        # 416: an empty blob has no first byte.
        return BlobState.THERE if response.status_code == 416 or response.content else BlobState.GONE

    async def referrers(self, repository: str, digest: Digest) -> tuple[Descriptor, ...] | None:
        """The manifests whose subject is `digest` (distribution-spec 1.1, "Listing Referrers"). None where the registry
        lists none: it knows nothing of that manifest, or has no such API (404, as 2.7.1, 2.8.2 and 3.1.1 answer; asked
        only once)."""
        if self._has_referrers is False:
            return None
        where = self._where("listing the referrers", repository, digest)
        path = f"/v2/{repository}/referrers/{digest}"
        found: dict[Digest, Descriptor] = {}
        query: dict[str, str] | None = {}
        listing = PagedListing(bounds.REFERRERS)
        while query is not None and not listing.asks_again(query):
            asked = self._http.send("GET", path, where, scope=_pull(repository), params=query, limit=bounds.MANIFEST)
            try:
                response = await listing.waited_for(asked)
            except TimeoutError:
                raise self._cut(where, Bound.TIME, f"referrers of {where.target}", listing) from None
            except errors.NotFound as error:
                if query:
                    raise  # A page of a list that had begun.
                if self._has_referrers is None and not _OF_ONE.intersection(error.codes):
                    self._has_referrers = False
                return None
            self._has_referrers = True
            try:
                page = parse_manifest(response.content, mt.OCI_INDEX)
                query = next_query(response)
            except ValueError:
                raise errors.BadAnswer(
                    where, f"{self.host} answers the referrers of {where.target} with no index."
                ) from None
            if not isinstance(page, Index):
                raise errors.BadAnswer(where, f"{self.host} answers the referrers of {where.target} with no index.")
            before = len(found)
            found |= {descriptor.digest: descriptor for descriptor in page.manifests}
            listing.page(len(response.content), len(found) - before)
            if (bound := listing.bound) is not None:
                raise self._cut(where, bound, f"referrers of {where.target}", listing)
        return tuple(found.values())

    # Changing

    def before_put(self, repository: str) -> AbstractAsyncContextManager[None]:
        """For a look, and the PUT that depends on it: within, no other request of ours comes between the two, nor one
        for a token."""
        return self._http.turn(_push(repository), self._where("storing the manifest", repository))

    def before_delete(self, repository: str) -> AbstractAsyncContextManager[None]:
        """The same for a DELETE."""
        return self._http.turn(_delete(repository), self._where("deleting the manifest", repository))

    async def delete_manifest(self, repository: str, digest: Digest, *, patient: bool = True) -> None:
        """Deletes by digest: all tags of that digest go with it. Not sent twice unless the first was not heard.
        `patient`: the answer is given all the time it may need; of what can't be there it needs none."""
        await self._delete(repository, digest, patient=patient)

    async def delete_tag(self, repository: str, tag: str, *, patient: bool = True) -> None:
        """Deletes one tag alone. 3.x and zot; 2.x answers 400, raised as Refused. `patient`: as of a manifest."""
        try:
            await self._delete(repository, tag, patient=patient)
        except errors.RegistryError as error:
            if error.status == 400:
                raise errors.Refused(
                    error.where,
                    f"{self.host} can't delete a tag alone.",
                    "Delete its digest instead: all tags of that digest would go.",
                    status=400,
                    codes=error.codes,
                ) from None
            raise

    async def _delete(self, repository: str, reference: str, *, patient: bool) -> None:
        where = self._where("deleting the manifest", repository, reference)
        path = _manifest_path(repository, reference)
        await self._http.send("DELETE", path, where, scope=_delete(repository), safety=Safety.ONCE, patient=patient)

    async def put_manifest(self, repository: str, reference: str, body: bytes, media_type: str) -> Digest:
        """Stores `body` under a tag or its digest; the digest that it has now. All it names must be there."""
        where = self._where("storing the manifest", repository, reference)
        await self._http.send(
            "PUT",
            _manifest_path(repository, reference),
            where,
            scope=_push(repository),
            safety=Safety.ONCE,
            headers={"Content-Type": media_type},
            content=body,
        )
        return Digest.of(body)

    async def upload_blob(self, repository: str, content: bytes) -> Digest:
        """Uploads in one piece (distribution-spec, "POST then PUT": the single POST isn't taken by all)."""
        digest = Digest.of(content)
        where = self._where("uploading the blob", repository, digest)
        scope = _push(repository)
        started = await self._http.send(
            "POST", f"/v2/{repository}/blobs/uploads/", where, scope=scope, safety=Safety.ONCE
        )
        await self._http.send(
            "PUT",
            self._upload_url(started, where),
            where,
            scope=scope,
            safety=Safety.ONCE,
            params={"digest": digest},
            headers={"Content-Type": "application/octet-stream"},
            content=content,
        )
        return digest

    async def finish_upload(self, repository: str, session: str, digest: Digest) -> None:
        """Ends the upload `session` with nothing more to come. Raises where nobody began it, or its content isn't that
        of `digest`."""
        where = self._where("pushing", repository)
        await self._http.send(
            "PUT",
            f"/v2/{repository}/blobs/uploads/{quote(session)}",
            where,
            scope=_push(repository),
            safety=Safety.ONCE,
            params={"digest": digest},
            headers={"Content-Type": "application/octet-stream"},
            content=b"",
        )

    async def mount_blob(self, repository: str, digest: Digest, source: str) -> bool:
        """Takes over a blob from the repository `source`; False where the registry wants it uploaded instead."""
        where = self._where("mounting the blob", repository, digest)
        response = await self._http.send(
            "POST",
            f"/v2/{repository}/blobs/uploads/",
            where,
            scope=f"{_push(repository)} {_pull(source)}",
            safety=Safety.ONCE,
            params={"mount": digest, "from": source},
        )
        return response.status_code == 201

    def _upload_url(self, response: httpx.Response, where: Where) -> str:
        """Where the upload goes on. The Location's path counts, on our own origin: behind a proxy it may name an
        inner host, and the password goes nowhere else."""
        location = response.headers.get("Location", "")
        try:
            url = response.request.url.join(location)
        except NO_ADDRESS:
            location = ""
        path = url.raw_path.decode("ascii") if location else ""
        # Without its slash it would go on with the host's name: `x:.example.com/` is at another one.
        if not path.startswith("/"):
            raise errors.BadAnswer(where, f"{self.host} began an upload without saying where it goes on.")
        own = httpx.URL(self.address.url)
        prefix = self.address.prefix
        if prefix and not path.startswith(prefix + "/"):
            path = prefix + path
        return f"{own.scheme}://{own.netloc.decode('ascii')}{path}"

    # Shared

    async def _manifest_request(self, method: str, where: Where) -> httpx.Response:
        return await self._http.send(
            method,
            _manifest_path(where.repository, where.reference),
            where,
            scope=_pull(where.repository),
            headers={"Accept": mt.ACCEPT_MANIFESTS},
            limit=bounds.MANIFEST,
        )

    def _where(self, operation: str, repository: str = "", reference: str = "") -> Where:
        return Where(self.host, operation, repository, reference)

    def _cut(self, where: Where, bound: Bound, what: str, listing: PagedListing) -> errors.BadAnswer:
        return errors.BadAnswer(where, bound.sentence(self.host, what, listing.most))

    def _mismatch(self, where: Where, wanted: Digest, body: bytes) -> errors.DigestMismatch:
        return errors.DigestMismatch(
            where,
            f"{self.host} sent other content than {where.target} should have: expected {wanted}, "
            f"got {Digest.of(body)}.",
            "Its storage, or something on the way, is damaged.",
        )


def _manifest_path(repository: str, reference: str) -> str:
    return f"/v2/{repository}/manifests/{quote(reference, safe=':')}"


def _blob_size(response: httpx.Response) -> int | None:
    """Bytes of the whole blob, by the answer to a question for its first one; None where it doesn't say."""
    match response.status_code:
        case 206 | 416:
            total = _TOTAL.fullmatch(response.headers.get("Content-Range", ""))
            return int(total[1]) if total else None
        case 200 if not response.content:
            return 0
        case 200:
            length = response.headers.get("Content-Length", "")
            return int(length) if _LENGTH.fullmatch(length) and "Content-Encoding" not in response.headers else None
        case _:
            return None


def _pull(repository: str) -> str:
    return f"repository:{repository}:pull"


def _push(repository: str) -> str:
    return f"repository:{repository}:pull,push"


def _delete(repository: str) -> str:
    return f"repository:{repository}:delete"


def _version_hint(response: httpx.Response) -> str:
    """2.x sends a charset with its JSON, 3.x doesn't (measured)."""
    if response.headers.get("Docker-Distribution-Api-Version") != "registry/2.0" or response.content != b"{}":
        return ""
    return "distribution 2.x" if "charset" in response.headers.get("Content-Type", "") else "distribution 3.x"
