"""The connect screen's form."""

from textual import events

from regtui.ui.screens.connect import ConnectScreen
from tests.support.screens import app_on, settled


async def test_what_is_typed_ahead_goes_into_the_field_that_it_was_meant_for() -> None:
    """On a slow line many keys arrive at once: a password must not be shown in the field before its own, nor must what
    was ticked be lost."""
    app = app_on(None)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        screen = app.screen
        assert isinstance(screen, ConnectScreen)
        names = {"\t": "tab", " ": "space"}
        for character in "host\tci\tsecret\t \t":
            app.post_message(events.Key(names.get(character, character), character))
        await settled(pilot)
        fields = (screen._address, screen._user, screen._password)
        assert [field.value for field in fields] == ["host", "ci", "secret"]
        assert screen._remember.value
        assert screen._connect.has_focus
