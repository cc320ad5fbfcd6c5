"""Which manifest leads to which. Never recursive: an index may be a thousand indexes deep, and a registry may lie."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from heapq import heapify, heappop, heappush

from regtui.deletion.values import StoredManifest
from regtui.oci.digest import Digest


def reachable(manifests: Mapping[Digest, StoredManifest], roots: Iterable[Digest]) -> set[Digest]:
    """`roots`, and everything below them; content addressing rules out circles, and hostile ones end here too."""
    seen: set[Digest] = set()
    waiting = list(roots)
    while waiting:
        digest = waiting.pop()
        if digest not in seen:
            seen.add(digest)
            if manifest := manifests.get(digest):
                waiting += manifest.children
    return seen


def outer_first(manifests: Mapping[Digest, StoredManifest], some: Collection[Digest]) -> list[Digest]:
    """`some`, each once, and every index before what is below it: interrupted in between, no index is left without
    its children."""
    wanted = set(some)
    children = {digest: [child for child in manifests[digest].children if child in wanted] for digest in wanted}
    above = Counter(child for below in children.values() for child in set(below))
    ready = [digest for digest in wanted if not above[digest]]
    heapify(ready)
    order: list[Digest] = []
    while ready:
        digest = heappop(ready)
        order.append(digest)
        for child in set(children[digest]):
            above[child] -= 1
            if not above[child]:
                heappush(ready, child)
    # A circle can't be, by content; a made-up one comes last.
    return order + sorted(wanted.difference(order))


def children_first(manifests: Mapping[Digest, StoredManifest], some: Collection[Digest]) -> list[list[Digest]]:
    """`some` in rounds: whatever is below a manifest comes in an earlier one, also where what lies between is not
    wanted."""
    known = [digest for digest in reachable(manifests, some) if digest in manifests]
    depth: dict[Digest, int] = {}
    for digest in reversed(outer_first(manifests, known)):
        below = [depth.get(child, 0) for child in manifests[digest].children]
        depth[digest] = max(below, default=-1) + 1
    rounds: dict[int, list[Digest]] = {}
    for digest in sorted(some):
        rounds.setdefault(depth.get(digest, 0), []).append(digest)
    return [rounds[number] for number in sorted(rounds)]
