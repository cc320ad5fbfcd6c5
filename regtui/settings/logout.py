"""Logging out, in words: what was removed, and where a credential remains. For both faces."""

from collections.abc import Sequence

from regtui.settings.credentials import Credentials


def log_out(credentials: Credentials, names: Sequence[str]) -> list[str]:
    """Forgets what regtui keeps for `names`, a profile's `login_names`. Sentences. Blocks; raises SettingsError."""
    name = names[0]
    if places := list(dict.fromkeys(place for each in names for place in credentials.forget(each))):
        said = [f"The credential for {name} was removed from {' and '.join(places)}."]
    else:
        said = [f"There was no credential for {name} that regtui keeps."]
    left = credentials.find_by_any(names)
    if credentials.of_environment():
        said.append(
            "REGTUI_USERNAME and REGTUI_PASSWORD are still set: each command logs in to its registry with them."
        )
    if left.words:
        said.append(f"There still is one: {left.words}. It is not regtui's: docker logout or podman logout removes it.")
    return said
