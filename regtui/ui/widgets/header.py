"""The first line: which registry this is, who is logged in, and what to be careful about."""

from dataclasses import dataclass

from rich.text import Text
from textual.widget import Widget

from regtui.registry.values import Deletion
from regtui.session.session import Session
from regtui.text import clean, plural

_ON = {Deletion.BY_TAG, Deletion.BY_DIGEST}
_DELETION = {
    Deletion.DISABLED: "deletion disabled",
    Deletion.UNSUPPORTED: "no deletion",
    Deletion.CACHE: "pull-through cache",
    Deletion.READ_ONLY: "read-only",
    Deletion.NOT_ALLOWED: "no right to delete",
}


@dataclass(frozen=True, slots=True)
class HeaderState:
    """What the header tells. `repositories` counts those that were listed so far."""

    session: Session | None = None
    deletion: Deletion = Deletion.UNKNOWN
    repositories: int = 0


class Header(Widget):
    """One line. Warnings are words in the warning colour: colour alone says nothing."""

    DEFAULT_CSS = "Header { height: 1; background: $panel; }"

    def __init__(self) -> None:
        super().__init__()
        self._standing = HeaderState()

    def show(self, standing: HeaderState) -> None:
        self._standing = standing
        self.refresh()

    def render(self) -> Text:
        warning = self.app.theme_variables.get("text-warning", "yellow")
        left = Text(" regtui", "bold", no_wrap=True)
        session = self._standing.session
        if session is None:
            return left
        left.append(f"  {clean(session.name)}", "bold")
        if session.name != session.host and self.size.width >= 100:
            left.append(f"  {clean(session.host)}")
        facts = [(session.pong.looks_like, ""), *self._safety(session), (clean(session.username), "")]
        if state := _DELETION.get(self._standing.deletion):
            facts.append((state, warning))
        elif self._standing.deletion in _ON:
            facts.append(("deletion on", ""))
        told = [(text, style) for text, style in facts if text]
        for number, (text, style) in enumerate(told):
            left.append("  " if number == 0 else " · ", "").append(text, style)
        right = plural(self._standing.repositories, "repository", "repositories") + " "
        room = self.size.width - left.cell_len - len(right)
        return left.append(" " * room + right) if room > 0 else left

    def _safety(self, session: Session) -> list[tuple[str, str]]:
        warning = self.app.theme_variables.get("text-warning", "yellow")
        if session.target.ephemeral:
            return [("in memory", "")]
        if (via := session.target.via) is not None:
            return [(f"via {clean(str(via))}", "")]
        if session.address.is_plain:
            return [("no TLS", warning)]
        if session.target.http.tls.insecure:
            return [("certificate not checked", warning)]
        return [("TLS", "")]
