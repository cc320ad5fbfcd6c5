"""The dry run, and what follows from it: which blobs go, how many bytes they are, whose, and what must not be done."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import aclosing
from typing import Final

from regtui import bounds
from regtui.content.store import ContentStore
from regtui.deletion.cost import seconds_to_delete
from regtui.deletion.journal import Journal
from regtui.garbage import scripts
from regtui.garbage.by_manifests import NamedBlob, named_blobs
from regtui.garbage.contents import Reading, read
from regtui.garbage.identity import Known, ask_before, must_list_nothing, prove_by_output, prove_by_storage
from regtui.garbage.output import CollectorOutput
from regtui.garbage.storage import Storage, read_count
from regtui.garbage.values import Forecast, UntaggedManifest, UsedManifests
from regtui.garbage.verdict import GcOutcome
from regtui.host.errors import GarbageError, Unsafe
from regtui.host.found import Found
from regtui.host.hosts import Host, ScriptOutput
from regtui.host.trouble import trouble
from regtui.oci.digest import Digest
from regtui.registry.client import RegistryClient
from regtui.registry.endurance import Endurance
from regtui.text import plural

# Reading every manifest of a registry just to say what a naive run would break isn't worth more requests than this.
MANY: Final = 5_000


async def forecast(
    host: Host,
    found: Found,
    client: RegistryClient,
    content: ContentStore,
    journal: Journal,
    *,
    untagged: bool,
    used: UsedManifests = UsedManifests(),  # noqa: B008 (a value)
) -> Forecast:
    """Raises RegtuiError. `untagged`: with the manifests that nothing reaches, but for those that are `used`.
    `journal`: where the storage can't be asked, it knows what of this registry was deleted, with its sizes."""
    if found.unsafe is not None:
        raise found.unsafe
    began = time.monotonic()
    output = CollectorOutput()
    before = Known() if found.unit.sees_storage else await ask_before(client)
    nothing = await _dry_run(host, found, output)
    seconds = time.monotonic() - began
    if nothing:
        await must_list_nothing(host.place, client)
        return Forecast(0, {}, seconds=seconds, nothing=nothing)
    if output.unkept:
        raise Unsafe(
            f"A collection on {host.place} would take {len(output.eligible) + output.unkept:,} blobs, more than the "
            f"{bounds.HOST_ELIGIBLE:,} that can be looked at one by one before and after.",
            "Run the registry's own garbage-collect once, while the registry is stopped.",
        )
    storage = Storage(host, found.unit)
    listing = await storage.listing()
    if listing.is_known:
        await prove_by_storage(host.place, client, storage, listing, output.eligible)
    else:
        await prove_by_output(host.place, client, output, before)
    if untagged and used.unread:
        raise Unsafe(used.unread, "Nothing counts as unused before it can be read. Collect without untagged manifests.")
    if untagged and not listing.is_known:
        raise Unsafe(
            f"The storage on {host.place} can't be listed, so it can't be told which manifests nothing reaches.",
            "Collect without untagged manifests.",
        )
    is_small = sum(map(len, listing.revisions.values())) <= MANY
    readings = await _read_all(client, content, listing.revisions, used) if untagged or is_small else []
    going = dict.fromkeys(output.eligible)
    more = dict.fromkeys(digest for digest in _freed_by(readings) if digest not in going)
    if untagged:
        going, more = going | more, {}
    named = {} if listing.is_known else await asyncio.to_thread(_named, journal, client)
    told = await storage.sizes([*going, *more]) if listing.is_known else {d: blob.size for d, blob in named.items()}
    sizes = {digest: size for digest, size in told.items() if digest in going}
    found_untagged = tuple(UntaggedManifest(r.repository, d) for r in readings for d in r.untagged)
    return Forecast(
        marked=(output.marked or 0) - (len(going) - len(output.eligible)),
        blobs={digest: sizes.get(digest) for digest in going},
        by_repository=await _by_repository(storage, output, readings, sizes, named),
        by_manifests=not listing.is_known,
        untagged=found_untagged,
        empty=listing.empty_without(found_untagged if untagged else ()),
        at_risk=tuple(_at_risk(readings, found.version)),
        seconds=seconds,
        held=sum(told.get(digest, 0) for digest in more),
        unsought=listing.is_known and not untagged and not is_small,
        in_use=tuple(UntaggedManifest(r.repository, d) for r in readings for d in r.kept_by_use),
        deleting=sum(seconds_to_delete(len(r.untagged), len(r.contents.tags)) for r in readings),
    )


async def _read_all(
    client: RegistryClient, content: ContentStore, revisions: Mapping[str, frozenset[Digest]], used: UsedManifests
) -> list[Reading]:
    """Raises TooSilent where most of it hangs: then nothing is known of the rest."""
    names = sorted(revisions)
    endurance = Endurance(client)
    readings = []
    for number, name in enumerate(names):
        endurance.check(names, number)
        readings.append(await read(client, content, name, revisions[name], used.named))
    return readings


async def _dry_run(host: Host, found: Found, output: CollectorOutput) -> str:
    """Feeds `output`; why there is nothing to collect, or empty. Raises GarbageError where it says nothing for long."""
    try:
        async with asyncio.timeout(bounds.COLLECTOR_IDLE) as limit:
            return await _run_dry(host, found, output, limit)
    except TimeoutError:
        raise GarbageError(
            f"The dry run on {host.place} printed nothing for {bounds.COLLECTOR_IDLE / 60:.0f} minutes. "
            "Nothing was stopped.",
            "See whether its disk, or its network, hangs.",
        ) from None


async def _run_dry(host: Host, found: Found, output: CollectorOutput, limit: asyncio.Timeout) -> str:
    loop = asyncio.get_running_loop()
    code: int | None = None
    said: list[str] = []
    mark = scripts.new_mark()
    async with aclosing(host.lines(scripts.dry_run(found.unit, mark))) as lines:
        async for line in lines:
            limit.reschedule(loop.time() + bounds.COLLECTOR_IDLE)
            words = scripts.marked(line, mark)
            if words is not None and words[0] == "exit":
                code = read_count(words[-1])
                continue
            if words == ["another"]:
                raise another(host.place, found, "\n".join(said))
            finding = output.feed(line)
            if not finding.kind.is_marking:
                said = [*said[-20:], line]
    verdict = output.verdict(code)
    if verdict.outcome is GcOutcome.NOTHING:
        return verdict.message
    if output.marked is None and (code in (125, 126, 127, 255) or code is None):
        # Not the collector's own words, but those of what should have run it.
        raise trouble(ScriptOutput(code or 0, "\n".join(said), ""), host.place, found.unit.runtime)
    verdict.check()
    return ""


def another(place: str, found: Found, said: str) -> GarbageError:
    """What was looked at isn't there any more by its name. `said`: by what was asked for it; nothing where another one
    has that name, or it was started since."""
    if said.strip():
        return trouble(ScriptOutput(1, said, ""), place, found.unit.runtime)
    message = f"{found.unit.title} on {place} is another one by now, or was started anew since it was looked at."
    return Unsafe(f"{message} Nothing was stopped.", "Try again: it is looked at anew.")


def _freed_by(readings: Iterable[Reading]) -> Iterable[Digest]:
    """What nothing needs any more once the untagged manifests are gone."""
    needed: set[Digest] = set()
    leaving: dict[Digest, None] = {}
    for reading in readings:
        untagged = frozenset(reading.untagged)
        needed.update(reading.needed_by(reading.revisions - untagged))
        leaving |= dict.fromkeys(reading.needed_by(sorted(untagged)))
    return [digest for digest in leaving if digest not in needed]


def _at_risk(readings: Iterable[Reading], version: str) -> Iterable[str]:
    """2.x takes the platform images of tagged indexes for untagged ones (distribution #3178, seen on 2.7.1, 2.8.2)."""
    if version and not version.startswith("2."):
        return
    for reading in readings:
        for tag, count in reading.platforms_at_risk.items():
            # Attestations and SBOMs are children, too.
            images = plural(count, "manifest of its index", "manifests of its index")
            yield f"{reading.repository}:{tag} would lose {images} by --delete-untagged on this version."


def _named(journal: Journal, client: RegistryClient) -> dict[Digest, NamedBlob]:
    return named_blobs(journal.entries(client.identity))


async def _by_repository(
    storage: Storage,
    output: CollectorOutput,
    readings: Iterable[Reading],
    sizes: Mapping[Digest, int],
    named: Mapping[Digest, NamedBlob],
) -> tuple[tuple[str, int], ...]:
    """Layers and configs are linked in a repository; a manifest only while it isn't deleted there."""
    owners = {
        digest: reading.repository
        for reading in reversed(list(readings))
        for digest in reading.revisions
        if digest in sizes
    }
    owners |= await storage.owners(sizes)
    sums: Counter[str] = Counter()
    for digest, size in sizes.items():
        owner = owners.get(digest, output.links.get(digest, ""))
        if not owner and digest in named:
            owner = named[digest].repository
        if owner:
            sums[owner] += size
    return tuple(sums.most_common())
