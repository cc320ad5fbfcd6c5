"""What can go wrong with a garbage collection before it begins, each with its sentence and its remedy.

GarbageError                1
├── HostUnknown             2   nobody said where the registry runs
├── HostNotAllowed          4   the login, sudo, the runtime's socket
├── NotOnHost               5   no such runtime, container, config or storage there
├── Unsafe                  6   what was chosen would break images, or can't keep pushes out
└── CollectionFailed        1   the collector, or what had to be done around it, failed
"""

from regtui import errors
from regtui.errors import RegtuiError


class GarbageError(RegtuiError):
    """The root."""


class HostUnknown(GarbageError):
    exit_code = errors.USAGE


class HostNotAllowed(GarbageError):
    exit_code = errors.NOT_ALLOWED


class NotOnHost(GarbageError):
    exit_code = errors.NOT_FOUND


class Unsafe(GarbageError):
    exit_code = errors.REFUSED


class CollectionFailed(GarbageError):
    pass
