"""`regtui tag`: another tag for the same manifest. One that exists is moved only where that was confirmed."""

import argparse

from regtui.cli.console import ask, is_interactive, say, warn
from regtui.cli.invocation import Invocation
from regtui.cli.named_image import asked, looked_up
from regtui.cli.output import Form, Output
from regtui.cli.running import Obstructed, show_outcome
from regtui.deletion.values import Action, Outcome, Status
from regtui.deletion.words import FOREVER
from regtui.errors import DONE, FAILED, UsageError
from regtui.oci.digest import Digest
from regtui.oci.reference import Reference, is_tag
from regtui.session.session import Session


def run(arguments: argparse.Namespace) -> int:
    """Exit code 1 where the tag is left as it is. Raises RegtuiError."""
    tag: str = arguments.tag
    if not is_tag(tag):
        raise UsageError(
            f"{tag!r} is no tag.", "A tag has letters, digits, _ . and -, not . or - first, and at most 128 of them."
        )
    invocation = Invocation(arguments)
    reference = invocation.reference(arguments.reference)
    if not reference.identifier:
        raise UsageError(f"{reference} names no tag.", f"Which image is meant is never guessed: {reference}:TAG.")
    output = Output.chosen(arguments.json)
    tagging = TagCommand(reference, tag, output, may_move=arguments.overwrite, may_lose=arguments.without_undo)
    return invocation.run(reference.registry, tagging.run)


class TagCommand:
    """One tag for one image. `may_move`: whether somebody said that a tag which exists is to be moved; `may_lose`: also
    where undo could not move it back."""

    def __init__(self, reference: Reference, tag: str, output: Output, *, may_move: bool, may_lose: bool) -> None:
        self._reference = reference
        self._tag = tag
        self._output = output
        self._may_move = may_move
        self._may_lose = may_lose

    @property
    def _name(self) -> str:
        return f"{self._reference.repository}:{self._tag}"

    async def run(self, session: Session) -> int:
        """The exit code. Raises RegtuiError."""
        repository = self._reference.repository
        image = (await looked_up(session, self._reference, lambda: session.resolve(*asked(self._reference)))).digest
        now = await session.tagged(repository, self._tag)
        if now == image:
            self._told(image, Status.SKIPPED, "it is this image already")
            return DONE
        lost = ""
        if now is not None:
            lost = await session.no_way_back(repository, now)
            if not self._is_confirmed(session, image, now, lost):
                say("Nothing was changed.")
                return FAILED
        done = await session.add_tag(repository, image, self._tag, instead_of=now, for_good=bool(lost))
        self._told(image, Status.DONE)
        if now is not None and done.run and not lost and not session.target.ephemeral:
            say(f"It was {now.short} before. To move it back: {session.target.undo_command(done.run)}")
        for notice in done.notices:
            warn(notice)
        return DONE

    def _is_confirmed(self, session: Session, image: Digest, now: Digest, lost: str) -> bool:
        """`lost`: why undo could not move it back. Raises Obstructed where nobody said that it may be so."""
        told = f"Undo could not move {self._name} back to {now.short}, as {lost}."
        if self._may_move:
            if lost and not self._may_lose:
                raise Obstructed(f"{told} Nothing was changed.", "--without-undo moves it for good.")
            return True
        exists = f"{self._name} of {session.name} exists, and is another image: {now.short}."
        if not is_interactive():
            raise UsageError(exists, "Add --overwrite to move it.")
        say(exists)
        question = f"Move {self._name} of {session.name} to {image.short}?"
        if lost:
            say(told)
            return ask(f"{question} Type {FOREVER} to confirm:").strip() == FOREVER
        return ask(f"{question} [y/N]").lower() in ("y", "yes")

    def _told(self, image: Digest, status: Status, why: str = "") -> None:
        outcome = Outcome(self._name, image, Action.TAG, status, why)
        if self._output.form is not Form.TABLE:
            show_outcome(self._output, outcome)
        else:
            self._output.line(f"{self._name} is {image.short} already" if why else f"tagged {self._name} {image.short}")
