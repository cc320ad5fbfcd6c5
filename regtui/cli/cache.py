"""`regtui cache`: what is kept on disk of what was read, and forgetting it."""

import argparse

from regtui import text
from regtui.cli.console import say
from regtui.cli.output import Form, Output
from regtui.cli.request_log import write_log
from regtui.content.disk import Disk, DiskUsage
from regtui.errors import DONE
from regtui.settings.paths import content_file


def run(arguments: argparse.Namespace) -> int:
    """Raises RegtuiError."""
    write_log(arguments.log_file)
    disk = Disk(content_file())
    before = disk.usage()
    if arguments.clear:
        disk.clear()
        say(f"{_words(before)} forgotten." if before.entries or before.tags else "Nothing was kept.")
    else:
        _show(Output.chosen(arguments.json), before)
    disk.close()
    return DONE


def _show(output: Output, usage: DiskUsage) -> None:
    if output.form is Form.TABLE:
        output.line(f"{_words(usage)}, {text.size(usage.on_disk)} on disk, in {usage.file}")
        return
    record = {
        "file": str(usage.file),
        "entries": usage.entries,
        "bytes": usage.size,
        "tags": usage.tags,
        "bytes_on_disk": usage.on_disk,
    }
    if output.form is Form.JSON:
        output.json(record)
    else:
        output.fields(*map(str, record.values()))


def _words(usage: DiskUsage) -> str:
    entries = text.plural(usage.entries, "manifest or config", "manifests and configs")
    return f"{entries}, {text.plural(usage.tags, 'tag')}"
