"""Another name for an image: the same bytes are put under a further tag, so that the digest stays what it is."""

import asyncio
from dataclasses import dataclass

from regtui.content.store import ContentStore
from regtui.deletion.entry import Entry
from regtui.deletion.inventory import stored
from regtui.deletion.journal import Journal, unrecorded
from regtui.deletion.surely import put_tag_surely
from regtui.deletion.values import Action, Outcome, Status, StoredManifest
from regtui.deletion.way_back import way_back
from regtui.errors import REFUSED, RegtuiError
from regtui.oci.digest import Digest
from regtui.registry.client import RegistryClient
from regtui.registry.errors import NotFound, RegistryError
from regtui.registry.identity import RegistryId


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


class NotTagged(RegtuiError):
    """The registry failed. `may_be`: whether the tag may have been moved for all that, or may be yet; `run`: the name
    of the run that moves it back then."""

    def __init__(self, error: RegistryError, what_is: str, may_be: bool) -> None:
        super().__init__(f"{error.message} {what_is}", error.remedy)
        self.exit_code = error.exit_code
        self.may_be = may_be
        self.run = ""


@dataclass(frozen=True, slots=True)
class Tagged:
    """What came of it. `run`: its name in the journal, where a tag was moved; empty where none was. `notices`: what
    else there is to say."""

    run: str = ""
    notices: tuple[str, ...] = ()


class Tagging:
    """Adds tags, and moves them. Lives on the client's event loop."""

    def __init__(self, client: RegistryClient, content: ContentStore, journal: Journal, username: str) -> None:
        self._client = client
        self._content = content
        self._journal = journal
        self._username = username

    async def add(
        self, repository: str, digest: Digest, tag: str, *, instead_of: Digest | None, for_good: bool = False
    ) -> Tagged:
        """Makes `tag` a tag of the manifest `digest`, which is of the same repository, and checks that it is.

        `instead_of`: what the tag is now, None where there is none: known to whoever confirmed it. Where there is, the
        move is on disk before it is done, with the bytes of what loses the tag; `for_good`: also where these can't be
        read. Raises TagUnreadable; TagMoved where it isn't that any more; NotTagged where the registry failed; NotFound
        where the manifest is gone; RegistryError; JournalFailed.
        """
        manifest = stored(await self._content.manifest(repository, digest))
        now = await tagged(self._client, repository, tag)
        if now == digest:
            return Tagged()
        _check_is(f"{repository}:{tag}", now, instead_of)
        if now is not None:
            return await self._move(repository, tag, manifest, now, for_good=for_good)
        await self._put(repository, tag, manifest, None)
        return Tagged()

    async def _move(
        self, repository: str, tag: str, manifest: StoredManifest, before: Digest, *, for_good: bool
    ) -> Tagged:
        back = await way_back(self._client, self._content, repository, {before, manifest.digest})
        if before in back.unread and not for_good:
            why = back.unread[before].rstrip(".")
            raise TagUnreadable(f"{repository}:{tag} can't be read: {why}. Nothing was changed.")
        run = await asyncio.to_thread(
            self._journal.begin_move,
            self._client.identity,
            self._username,
            repository,
            tag,
            to=manifest.digest,
            before=before,
            manifests=back.manifests,
            blobs=back.configs,
        )

        def end(status: Status, error: str = "") -> None:
            outcome = Outcome(f"{repository}:{tag}", manifest.digest, Action.TAG, status, error)
            run.end([outcome], interrupted=False)

        try:
            await self._put(repository, tag, manifest, before)
            end(Status.DONE)
            return Tagged(run.name, tuple(unrecorded(run, "regtui undo --list calls it interrupted.")))
        except TagMoved as error:
            end(Status.FAILED, error.message)
            raise
        except NotTagged as error:
            if error.may_be:
                # Nobody knows: so it is left open, and can be undone.
                error.run = run.name
            else:
                end(Status.FAILED, error.message)
            raise
        except RegistryError as error:
            end(Status.FAILED, error.message)
            raise
        finally:
            run.close()

    async def _put(self, repository: str, tag: str, manifest: StoredManifest, before: Digest | None) -> None:
        """Raises TagMoved; NotTagged where the registry failed; RegistryError where it refused."""
        try:
            is_put = await put_tag_surely(self._client, repository, tag, manifest, instead_of=[before])
        except RegistryError as error:
            is_put = await self._is_tagged(error, repository, tag, manifest.digest, before)
        finally:
            self._content.forget(repository)
        if not is_put:
            raise _moved(f"{repository}:{tag}", await tagged(self._client, repository, tag))

    async def _is_tagged(
        self, error: RegistryError, repository: str, tag: str, digest: Digest, before: Digest | None
    ) -> bool:
        """Whatever was answered, what counts is what the tag is now. Raises NotTagged, and `error` where that is so."""
        reference, is_refused = f"{repository}:{tag}", 400 <= error.status < 500
        try:
            now = await tagged(self._client, repository, tag)
        except RegistryError:
            if is_refused:
                raise error from None
            raise NotTagged(error, f"{reference} may be moved, or not.", may_be=True) from error
        if now == digest:
            return True
        if now == before and is_refused:
            raise error
        if now == before:
            yet = ", and may be moved yet" if error.unheard else ""
            raise NotTagged(error, f"{reference} is what it was{yet}.", error.unheard) from error
        what = f"is {now.short} now" if now else "isn't there now"
        raise NotTagged(error, f"{reference} {what}.", may_be=True) from error


def end_unmoved(journal: Journal, entry: Entry, registry: RegistryId) -> None:
    """Records that a move which was cut off came to nothing: so that the next undo doesn't take it for the last change.
    Raises JournalFailed."""
    outcomes = [
        Outcome(f"{entry.repository}:{tag}", digest, Action.TAG, Status.FAILED, "it was not moved")
        for tag, digest in entry.tags.items()
    ]
    journal.resume(entry, registry).end(outcomes, interrupted=False)


def _check_is(reference: str, now: Digest | None, was: Digest | None) -> None:
    """Raises TagMoved."""
    if now != was:
        raise _moved(reference, now)


def _moved(reference: str, now: Digest | None) -> TagMoved:
    what = f"is another image by now: {now.short}" if now else "is gone by now"
    return TagMoved(f"{reference} {what}.", "Nothing was changed. Look again.")
