"""Logging out, in words: what was removed, and where a credential remains. For both faces."""

from regtui.settings.credentials import Credentials, Source


def log_out(credentials: Credentials, name: str) -> list[str]:
    """Forgets what regtui keeps for `name`, a profile's `login_name`. Sentences. Blocks; raises SettingsError."""
    if places := credentials.forget(name):
        said = [f"The credential for {name} was removed from {' and '.join(places)}."]
    else:
        said = [f"There was no credential for {name} that regtui keeps."]
    left = credentials.find(name)
    if left.source is Source.ENVIRONMENT:
        said.append("REGTUI_USERNAME and REGTUI_PASSWORD are still set, and go to every registry that asks.")
    elif left.words:
        said.append(f"There still is one: {left.words}. It is not regtui's: docker logout or podman logout removes it.")
    return said
