"""A run is taken back, finished and reverted where it was made, and nowhere else: whoever carries one out asks here."""

from regtui.deletion.entry import Belonging, Entry
from regtui.errors import REFUSED, RegtuiError
from regtui.registry.identity import RegistryId


class OtherRegistry(RegtuiError):
    """The run was made at another registry than the one that would be changed."""

    exit_code = REFUSED


def check_belongs(entry: Entry, registry: RegistryId) -> None:
    """Raises OtherRegistry where `entry` wasn't made at `registry`, or nobody has said so."""
    match entry.belongs_to(registry):
        case Belonging.HERE:
            return
        case Belonging.ELSEWHERE:
            raise OtherRegistry(
                f"{entry.name} was made at {entry.registry}, and this is {registry}.", "Nothing was changed."
            )
        case Belonging.UNKNOWN:
            raise OtherRegistry(
                f"{entry.name} was recorded by an earlier version, which didn't note from where {entry.registry} was "
                f"reached. Nobody has said that it was made at {registry}.",
                "Nothing was changed. On a terminal, without --yes, regtui undo asks.",
            )


def check_planned(planned_at: RegistryId | None, registry: RegistryId) -> None:
    """Raises OtherRegistry where a plan was made at another registry than the one that would be changed."""
    if planned_at is not None and planned_at != registry:
        raise OtherRegistry(f"This was planned at {planned_at}, and this is {registry}.", "Nothing was changed.")


def check_named(entry: Entry, registry: RegistryId, name: str) -> None:
    """Raises OtherRegistry where the user named, by `name`, another registry than the run's."""
    if entry.belongs_to(registry) is Belonging.ELSEWHERE:
        there = f"not at {registry}" if name == str(registry) else f"and {name} is {registry}"
        raise OtherRegistry(
            f"{entry.name} was made at {entry.registry}, {there}.",
            f"Leave out -r {name}: a run is taken back where it was made.",
        )


def belonging_question(entry: Entry, registry: RegistryId) -> str:
    """What has to be asked of a run whose place isn't known."""
    return (
        f"{entry.name} was recorded by an earlier version, which didn't note from where {entry.registry} was reached. "
        f"Was it made at {registry}?"
    )
