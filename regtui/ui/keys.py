"""Keys, one after the other: each goes where it was meant, however fast it came.

Textual hands a key to the widget that has the focus when the key arrives. Over a slow line, and where text is pasted,
many arrive at once: the second would be taken for a command before the first one has opened the input that both were
meant for. Here a key waits until all that those before it caused has been carried out: their actions, the focus that
moved, the screen that came up.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

from textual import events
from textual.app import ScreenStackError
from textual.message_pump import MessagePump

if TYPE_CHECKING:
    from textual.app import App

Typed = events.Key | events.Paste

# Turns of the loop in which nothing must be under way: a worker that was started gets to what it waits for in them, or
# to the screen that it opens.
_QUIET: Final = 6
# Turns after which that isn't waited for any more, where something goes on all the time: more than a chain of messages
# takes that a key begins, from a widget up to the app, to a screen, to its widgets.
_TURNS: Final = 100
# Seconds between two looks at what takes longer.
_PAUSE: Final = 0.002
# Goes before all that waits, which is dropped: as in a shell.
_INTERRUPT: Final = "ctrl+c"


class KeyQueue:
    """The keys of an app, pastes among them, in order. `dispatch` hands one on; it is called by the app itself."""

    def __init__(self, app: "App[Any]", dispatch: Callable[[Typed], Awaitable[None]]) -> None:
        self._app = app
        self._dispatch = dispatch
        self._waiting: deque[Typed] = deque()
        self._task: asyncio.Task[None] | None = None
        self._holds = 0
        self._free = asyncio.Event()
        self._free.set()

    async def put(self, event: Typed) -> None:
        if isinstance(event, events.Key) and event.key == _INTERRUPT:
            self._waiting.clear()
            await self._dispatch(event)
            return
        self._waiting.append(event)
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="keys")
            self._task.add_done_callback(self._ended)

    @property
    def is_waiting(self) -> bool:
        """Whether there are keys that haven't been handed on."""
        return bool(self._waiting)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keys wait."""
        self._holds += 1
        self._free.clear()
        try:
            yield
        finally:
            self._holds -= 1
            if not self._holds:
                self._free.set()

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._settled()
                # An interrupt may have dropped them.
                if self._waiting:
                    self._app.call_later(self._dispatch, self._waiting.popleft())
        finally:
            self._task = None

    def _ended(self, task: asyncio.Task[None]) -> None:
        # As where it happens to a widget: the app ends, and tells.
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            self._app._handle_exception(error)

    async def _settled(self) -> None:
        """Until nothing is under way in the app and on its screen."""
        quiet = 0
        for _ in range(_TURNS):
            await asyncio.sleep(0)
            await self._free.wait()
            quiet = quiet + 1 if all(map(_rests, self._pumps())) else 0
            if quiet == _QUIET:
                return
        await _passed(self._pumps())

    def _pumps(self) -> list[MessagePump]:
        try:
            return [self._app, *self._app.screen.walk_children(with_self=True)]
        except ScreenStackError:
            return [self._app]


def _rests(pump: MessagePump) -> bool:
    """Whether it waits for its next message: nothing is in its queue, nor in the middle of being carried out."""
    queue: Any = pump._message_queue
    return queue.empty() and bool(queue.ready_event._waiters)


async def _passed(pumps: Sequence[MessagePump]) -> None:
    """Until each has come to the end of what is in its queue now, or is gone."""
    remaining = dict(enumerate(pumps))

    def passed(number: int) -> None:
        remaining.pop(number, None)

    for number, pump in enumerate(pumps):
        if not pump.call_later(passed, number):
            passed(number)
    while remaining:
        await asyncio.sleep(_PAUSE)
        for number, pump in [*remaining.items()]:
            if not (pump.is_running and pump.is_attached):
                passed(number)


@runtime_checkable
class HasKeyQueue(Protocol):
    key_queue: KeyQueue


@contextmanager
def keys_held(app: "App[Any]") -> Iterator[None]:
    """Within a worker that a key started: the keys after it wait for what it finds out on this machine, and then go
    where that leads. Never while something is asked of a registry or a host."""
    if not isinstance(app, HasKeyQueue):
        yield
        return
    with app.key_queue.held():
        yield
