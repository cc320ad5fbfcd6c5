"""All containers of a host, as docker or podman lists them. What is no list isn't taken for one of nothing: nobody
knows then what runs there.
"""

import re
from collections.abc import Sequence
from typing import Final

from regtui import bounds
from regtui.bounded_json import parse_json_text
from regtui.host.errors import NotOnHost
from regtui.host.hosts import Host, Script, ScriptOutput
from regtui.host.trouble import trouble

# "$@" is the runtime. Sets ids, one a line, or ends: the heading is there also where no container is, and whatever else
# isn't an id is a message. No more is taken than ids can be: what prints on and on would fill the host's memory. At its
# own end its exit code is the last line.
IDS: Final = f"""\
told=$({{ "$@" ps -a --no-trunc --format 'table {{{{.ID}}}}'; echo "code $?"; }} | head -c {bounds.HOST_IDS})
last=$(printf '%s\\n' "$told" | tail -n 1)
code=${{last#code }}
test "$last" = "code $code" || code=none
case $code in
    0) ;;
    *[!0-9]*) echo 'It prints what is no list of containers.' >&2; exit 1 ;;
    *) printf '%s\\n' "$told" | sed '$d' >&2; exit "$code" ;;
esac
ids=$(printf '%s\\n' "$told" | sed -e 1d -e '$d')
test "$(printf '%s\\n' "$told" | sed -e 's/ *$//' -e 1q)" = 'CONTAINER ID' &&
    {{ test -z "$ids" || ! printf '%s\\n' "$ids" | grep -Evxq '[0-9a-f]{{64}}'; }} ||
    {{ echo 'It prints what is no list of containers.' >&2; exit 1; }}
"""
LIST_CONTAINERS: Final = f"""\
{IDS}
if test -z "$ids"; then echo '[]'; else "$@" inspect --type container $ids; fi"""

_GONE: Final = re.compile(r"no such (?:object|container|image)|no container with|image not known", re.IGNORECASE)
# A container that was removed while they were listed isn't there the next time.
_TRIES: Final = 3


async def inspect_containers(host: Host, runtime: Sequence[str]) -> str:
    """What `inspect` prints of all containers: a JSON list of objects. Raises NotOnHost where that isn't told, and what
    the runtime has against it."""
    told = await run_while_some_go(host, Script(LIST_CONTAINERS, tuple(runtime)))
    if told.code != 0:
        raise trouble(told, host.place, runtime[-1])
    try:
        listed = parse_json_text(told.stdout, bounds.HOST_VALUES)
    except ValueError:
        listed = None
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise NotOnHost(f"{runtime[-1]} on {host.place} doesn't tell what its containers are.")
    return told.stdout


async def run_while_some_go(host: Host, script: Script) -> ScriptOutput:
    """Its last answer: `script` is run anew where a container that it found was gone before it was looked at."""
    told = ScriptOutput(0, "", "")
    for _ in range(_TRIES):
        told = await host.run(script)
        if told.code == 0 or not is_gone(told):
            break
    return told


def is_gone(told: ScriptOutput) -> bool:
    """Whether a runtime says that something isn't there any more."""
    return _GONE.search(told.said) is not None
