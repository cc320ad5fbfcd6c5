"""Another name for an image: the same bytes are put under a further tag, so that the digest stays what it is."""

import asyncio

from regtui.content.store import ContentStore
from regtui.deletion.blobs import looked_at
from regtui.deletion.inventory import read_manifests
from regtui.deletion.journal import Journal, Run
from regtui.deletion.loss import losses
from regtui.deletion.values import Action, Contents, Outcome, Status
from regtui.deletion.words import loss_reason
from regtui.errors import REFUSED, RegtuiError
from regtui.oci.digest import Digest
from regtui.registry.client import RegistryClient
from regtui.registry.errors import NotFound, RegistryError
from regtui.registry.values import FetchedManifest


class TagMoved(RegtuiError):
    """The tag isn't what it was when it was asked about: nothing was changed."""

    exit_code = REFUSED


class TagUnreadable(RegtuiError):
    """What the tag is now can't be recorded: moving it could not be undone."""


async def tagged(client: RegistryClient, repository: str, tag: str) -> Digest | None:
    """What `tag` is now, asked of the registry; None where there is no such tag, or nothing behind it."""
    try:
        return (await client.resolve(repository, tag)).digest
    except NotFound:
        return None


async def no_way_back(client: RegistryClient, content: ContentStore, repository: str, digest: Digest) -> str:
    """Why a tag that is moved away from this manifest could not be moved back, as `its config 0a1b2c3d4e5f is missing`;
    empty where it could: a registry takes no manifest of which something is missing, though it has that one. Raises
    RegistryError."""
    manifests, unread = await read_manifests(content, repository, {digest})
    if digest in unread:
        return f"it can't be read: {unread[digest]}"
    blobs = await looked_at(client, content, repository, manifests.values())
    contents = Contents(repository, {}, manifests, unread_manifests=unread, blobs=blobs)
    loss = losses(contents, [digest], ()).get(digest)
    return loss_reason(loss) if loss is not None else ""


class Tagging:
    """Adds tags, and moves them. Lives on the client's event loop."""

    def __init__(self, client: RegistryClient, content: ContentStore, journal: Journal, username: str) -> None:
        self._client = client
        self._content = content
        self._journal = journal
        self._username = username

    async def add(self, repository: str, digest: Digest, tag: str, *, instead_of: Digest | None) -> str:
        """Makes `tag` a tag of the manifest `digest`, which is of the same repository, and checks that it is. The
        name of the run that moved it; empty where nothing was there to be moved.

        `instead_of`: what the tag is now, None where there is none: known to whoever confirmed it. Where there is, the
        move is on disk before it is done, with the bytes of what loses the tag. Raises TagMoved where it isn't that any
        more or where the tag isn't what was put; NotFound where the manifest is gone; RegistryError; JournalFailed.
        """
        fetched = await self._content.manifest(repository, digest)
        async with self._client.before_put(repository):
            now = await tagged(self._client, repository, tag)
            if now == digest:
                return ""
            _check_is(f"{repository}:{tag}", now, instead_of)
            if now is None:
                await self._put(repository, tag, fetched)
                return ""
        return await self._move(repository, tag, fetched, now)

    async def _move(self, repository: str, tag: str, fetched: FetchedManifest, before: Digest) -> str:
        manifests, unread = await read_manifests(self._content, repository, {before, fetched.digest})
        if before in unread:
            raise TagUnreadable(f"{repository}:{tag} can't be read: {unread[before]}", "Nothing was changed.")

        def begin() -> Run:
            return self._journal.begin_move(
                self._client.identity,
                self._username,
                repository,
                tag,
                to=fetched.digest,
                before=before,
                manifests=manifests,
            )

        def end(status: Status, error: str = "") -> None:
            outcome = Outcome(f"{repository}:{tag}", fetched.digest, Action.TAG, status, error)
            run.end([outcome], interrupted=False)

        run = await asyncio.to_thread(begin)
        is_sent = False
        try:
            async with self._client.before_put(repository):
                # Reading what was to be recorded took a while.
                _check_is(f"{repository}:{tag}", await tagged(self._client, repository, tag), before)
                is_sent = True
                await self._put(repository, tag, fetched)
            end(Status.DONE)
            return run.name
        except TagMoved as error:
            # Where it was sent, it was moved, and somebody else moved it again.
            end(Status.DONE if is_sent else Status.FAILED, error.message)
            raise
        except RegistryError as error:
            # Without an answer, or with one that tells nothing, it may have been moved: that is left open.
            if not is_sent or 400 <= error.status < 500:
                end(Status.FAILED, error.message)
            raise
        finally:
            run.close()

    async def _put(self, repository: str, tag: str, fetched: FetchedManifest) -> None:
        await self._client.put_manifest(repository, tag, fetched.body, fetched.media_type)
        self._content.forget(repository)
        if (now := await tagged(self._client, repository, tag)) != fetched.digest:
            what = f"now is {now.short}" if now else "isn't there"
            raise TagMoved(f"{repository}:{tag} was put, but {what}.", "Somebody else may have pushed it.")


def _check_is(reference: str, now: Digest | None, was: Digest | None) -> None:
    """Raises TagMoved."""
    if now != was:
        what = f"is another image by now: {now.short}" if now else "is gone by now"
        raise TagMoved(f"{reference} {what}.", "Nothing was changed. Look again.")
