"""The platforms of an image: which one is meant, and how JSON records have it."""

import os
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from regtui.errors import NOT_FOUND, RegtuiError, UsageError
from regtui.oci.platform import InvalidPlatform, Platform

# What the kernel calls an architecture, and images do otherwise. Containers are Linux's, on other systems too.
MACHINES: Final = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "armv7l": "arm",
    "armv6l": "arm",
    "i686": "386",
    "i386": "386",
}
T = TypeVar("T")
PlatformOf = Callable[[T], Platform | None]


class PlatformMissing(RegtuiError):
    """The image isn't made for the platform asked for."""

    exit_code = NOT_FOUND


def platform_fields(platform: Platform | None) -> dict[str, object]:
    """`platform`, and beside it the system's version and features where it names them (docs/interface.md)."""
    fields: dict[str, object] = {"platform": str(platform) if platform else None}
    if platform and platform.os_version:
        fields["os_version"] = platform.os_version
    if platform and platform.os_features:
        fields["os_features"] = list(platform.os_features)
    return fields


def written_platform(written: str | None) -> Platform | None:
    """What `--platform` says. Raises UsageError."""
    try:
        return Platform.parse(written) if written else None
    except InvalidPlatform as error:
        message = str(error)
        raise UsageError(f"{message[0].upper()}{message[1:]}.") from None


def of_here(images: Sequence[T], platform_of: PlatformOf[T]) -> T:
    """The one that would run on this machine, else the first: what the others say is nearly the same."""
    own_name = os.uname().machine.lower()
    machine = MACHINES.get(own_name, own_name)
    fitting = [one for one in images if (own := platform_of(one)) and own.architecture == machine]
    here = [one for one in fitting if (own := platform_of(one)) and own.os == "linux"]
    return (here or fitting or images)[0]


def chosen(images: Sequence[T], platform_of: PlatformOf[T], wanted: Platform, name: str) -> T:
    """The platform asked for, of the image called `name`. Without a variant, the first of that architecture does; so
    with the system's version. Raises PlatformMissing."""
    for match_variant in (True, False):
        for one in images:
            if (own := platform_of(one)) and _is(own, wanted, match_variant=match_variant):
                return one
    known = ", ".join(own.exact for one in images if (own := platform_of(one)))
    raise PlatformMissing(
        f"{name} is not made for {wanted.exact}.", f"It is for {known}." if known else "It names no platform."
    )


def _is(platform: Platform, wanted: Platform, *, match_variant: bool) -> bool:
    same = (platform.os, platform.architecture) == (wanted.os, wanted.architecture)
    same = same and wanted.os_version in ("", platform.os_version)
    same = same and set(wanted.os_features) <= set(platform.os_features)
    return same and (platform.variant == wanted.variant if match_variant else not wanted.variant)
