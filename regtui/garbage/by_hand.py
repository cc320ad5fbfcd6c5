"""A collection as command lines, in order, ready to copy: what runs, for who would rather run it by hand."""

from collections.abc import Iterable
from shlex import quote

from regtui.garbage.values import UntaggedManifest
from regtui.host.keep_out import KeepOut
from regtui.host.runtimes import Unit


def by_hand(
    unit: Unit,
    keep_out: KeepOut,
    *,
    needs_restart: bool,
    url: str,
    untagged: Iterable[UntaggedManifest] = (),
    login: str = "",
) -> tuple[str, ...]:
    """`url`: the registry's, for the manifests that are deleted first; `login`: what is typed to get to the host."""
    lines = [f"curl -X DELETE {quote(f'{url}/v2/{m.repository}/manifests/{m.digest}')}" for m in untagged]
    # The environment may hold passwords.
    lines += [login, "umask 077" if unit.prepare else "", unit.is_still, *unit.prepare]
    if unit.redis is not None:
        at = f"{unit.redis.host}:{unit.redis.port}"
        lines.append(f"# In redis at {at}, before the sweep and after it: DEL of all keys blobs::* and repository::*")
    restart = (unit.stop, unit.start) if needs_restart else ()
    match keep_out:
        case KeepOut.STOP:
            lines += [unit.stop, unit.collector(running=False), *unit.tidy, unit.start]
        case KeepOut.STAND_IN if unit.stand_in is not None:
            served = unit.stand_in
            lines += [served.make, unit.stop, served.start, unit.collector(running=False)]
            lines += [*unit.tidy, served.tidy, served.end, unit.start]
        case KeepOut.READ_ONLY:
            # Before pushes are let in.
            lines += [unit.read_only, unit.collector(), *unit.tidy, *restart, unit.read_write]
        case KeepOut.ONLINE:
            lines += [unit.collector(), *unit.tidy, *restart]
    return tuple(filter(None, lines))
