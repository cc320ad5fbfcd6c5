"""A collection's script by itself: nobody is there to tell it whether the registry's address is silent."""

from dataclasses import replace

from regtui.host.hosts import Script


def unasked(script: Script) -> Script:
    """The same, but for that it doesn't wait for that word."""
    words = list(script.arguments)
    words[words.index("silence") + 1] = "no"
    return replace(script, arguments=tuple(words))
