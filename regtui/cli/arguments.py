"""What can be typed, and the help that says so. Imports nothing heavy: `--help` must be quick."""

import argparse
from collections.abc import Callable, Sequence
from typing import Final

from regtui.cli.parser import (
    Parser,
    PrintCompletion,
    age_minutes,
    byte_count,
    date,
    days,
    path,
    percent,
    period_seconds,
    seconds,
    share,
    subparsers,
    texts,
    version_option,
)
from regtui.errors import UsageError

COMMANDS: Final = {
    "browse": "open the browser (the default)",
    "demo": "open the browser on a sample registry that lives in memory",
    "ls": "list repositories",
    "tags": "list the tags of a repository",
    "inspect": "show manifest, platforms, config, layers and history of an image",
    "find": "find tags by name, or what has a digest, in all repositories",
    "usage": "show how many bytes each repository and namespace uses",
    "compare": "show what two images differ in",
    "attached": "show signatures, SBOMs, provenance and whatever else is attached to an image",
    "sbom": "list the packages that an image's SBOM names",
    "check": "find tags that can't be pulled, and put back what they lack",
    "tag": "give an image another tag",
    "rm": "delete tags or manifests",
    "prune": "delete what the retention rules select, and nothing that is in use",
    "undo": "put back what a deletion removed",
    "gc": "free what deletions left: garbage collection on the registry's host",
    "in-use": "show which images run, or are named, where",
    "log": "show what was deleted, restored and collected",
    "login": "check and store a credential",
    "logout": "forget a credential",
    "cache": "show or clear what is kept on disk of what was read",
    "doctor": "check everything from the registry's name to its garbage collection",
}

_REFERENCE_HELP: Final = "[REGISTRY/]NAME[:TAG|@DIGEST]"

_EXPRESSIONS: Final = frozenset(("--match", "--keep-match"))

_Command = Callable[[str, list[str]], Parser]
"""Declares a command: its description, and examples."""


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Raises UsageError; SystemExit after --help, --version and --print-completion."""
    common = _connection_options()
    ordered = _with_command(list(argv), _taking_a_value(common))
    parser = _parser(ordered[0], common)
    arguments, unknown = parser.parse_known_args(_with_expressions(ordered, parser))
    arguments.is_browse = "browse" in argv
    if unknown and arguments.command not in argv and arguments.registry_argument:
        raise _no_command(arguments.registry_argument)
    if unknown:
        # argparse would point to the help of the whole, which says nothing of this command's options.
        raise UsageError(f"Unrecognized arguments: {' '.join(unknown)}.", f"See: regtui {arguments.command} --help")
    return arguments


def _no_command(word: str) -> UsageError:
    """What isn't a command opens the browser on a registry of that name, which takes no more arguments."""
    near = nearest_command(word)
    return UsageError(f"There is no command {word}.", f"{f'Nearest: {near}. ' if near else ''}See: regtui --help")


def nearest_command(word: str) -> str:
    """The command that `word` may be a slip of; empty where none is near."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(word, COMMANDS, 1)), "")


def _with_command(argv: list[str], takes_value: frozenset[str]) -> list[str]:
    """The command first: `regtui -u ci ls` is `regtui ls -u ci`, and `regtui HOST` is `regtui browse HOST`."""
    skip = False
    for position, argument in enumerate(argv):
        if skip:
            skip = False
        elif argument in ("-h", "--help", "--version") or argument.startswith("--print-completion"):
            return argv[position:]
        elif argument == "--":
            break
        elif argument.startswith("-") and argument != "-":
            skip = argument in takes_value
        elif argument in COMMANDS:
            return [argument, *argv[:position], *argv[position + 1 :]]
        else:
            break
    return ["browse", *argv]


def _taking_a_value(common: Parser) -> frozenset[str]:
    """The options that are followed by one."""
    return frozenset(option for action in common._actions if action.nargs is None for option in action.option_strings)


def _with_expressions(argv: list[str], parser: Parser) -> list[str]:
    """`--match -x` as `--match=-x`, the only form in which argparse takes an expression that begins so. What is an
    option isn't taken for an expression: a variable of a script that is not set must not widen what goes."""
    options = {option for each in subparsers(parser) for option in each._option_string_actions}
    joined: list[str] = []
    arguments = iter(argv)
    for argument in arguments:
        joined.append(argument)
        if argument == "--":
            break
        if argument not in _EXPRESSIONS or argument not in options:
            continue
        value = next(arguments, None)
        if value is None:
            break
        if value.startswith("-") and value.partition("=")[0] not in options and value != "--":
            joined[-1] = f"{argument}={value}"
        else:
            joined.append(value)
    return [*joined, *arguments]


def _parser(first: str, common: Parser) -> Parser:
    """The parser of the command that is `first`: the others are declared only for who asks for help or completion,
    which takes three times as long."""
    parser = Parser(
        prog="regtui",
        **texts(
            "A terminal browser for container registries, and its commands.",
            ["regtui registry.example.com", "regtui tags registry.example.com/fullstack/common", "regtui demo"],
            "Without a command, regtui [REGISTRY] opens the browser. Each command has its own --help.",
        ),
    )
    version_option(parser)
    parser.add_argument(
        "--print-completion", action=PrintCompletion, choices=("bash", "zsh", "tcsh"), help="print a shell completion"
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", required=True)
    for name in [first] if first in COMMANDS else COMMANDS:

        def command(description: str, examples: list[str], name: str = name) -> Parser:
            made = commands.add_parser(name, help=COMMANDS[name], parents=[common], **texts(description, examples))
            version_option(made)
            return made

        _DECLARED[name](command)
    return parser


def _browse(command: _Command) -> None:
    browse = command(
        "Opens the browser, with REGISTRY/REPOSITORY[:TAG|@DIGEST] there. With nothing configured and no REGISTRY, it "
        "opens the connect screen.",
        ["regtui", "regtui prod", "regtui http://localhost:5000", "regtui prod/team/app:1.4.2"],
    )
    _registry_argument(browse)


def _demo(command: _Command) -> None:
    command("Opens the browser on a built-in sample registry. Nothing leaves the machine.", ["regtui demo"])


def _ls(command: _Command) -> None:
    ls = command("Lists repositories, one a line, as they arrive.", ["regtui ls registry.example.com"])
    _registry_argument(ls)
    _json_option(ls)


def _tags(command: _Command) -> None:
    tags = command(
        "Lists the tags of a repository, newest version first, or as --sort says. To a pipe: tag, created, size in "
        "bytes, platforms and digest, separated by tabs.",
        [
            "regtui tags registry.example.com/fullstack/common",
            "regtui tags -r prod fullstack/common --sort created",
            "regtui tags -r prod fullstack/common --names",
        ],
    )
    tags.add_argument("repository", metavar="REPOSITORY", help="[REGISTRY/]NAME")
    tags.add_argument("--names", action="store_true", help="names alone: no request per tag")
    tags.add_argument(
        "--sort",
        choices=("version", "created", "size"),
        default="version",
        help="the newest version, the newest image or the largest pull first (default: version)",
    )
    _json_option(tags)


def _inspect(command: _Command) -> None:
    inspect = command(
        "Shows manifest, platforms, config, layers and history of an image.",
        [
            "regtui inspect registry.example.com/fullstack/common:0.0.43",
            "regtui inspect prod/fullstack/common --raw | sha256sum",
        ],
    )
    inspect.add_argument("reference", metavar="REFERENCE", help=f"{_REFERENCE_HELP}; without either, latest")
    inspect.add_argument("--raw", action="store_true", help="write the manifest's exact bytes")
    inspect.add_argument(
        "--platform",
        metavar="OS/ARCH[/VARIANT]",
        help="this platform of an index alone; of Windows by its version, too: windows(10.0.20348.2849)/amd64",
    )
    inspect.add_argument(
        "--all-platforms",
        action="store_true",
        help="config, layers and history of each platform; on a terminal only those of this machine's are shown",
    )
    _json_option(inspect)


def _find(command: _Command) -> None:
    find = command(
        "Finds tags in all repositories of a registry: by words, all of which are in the name of the repository or of "
        "the tag, and one at least in that of the tag; or by a digest or its first digits, which every tag with that "
        "image has. The exit code is 5 where nothing is found.",
        ["regtui find -r prod 1.4.2", "regtui find -r prod gateway 1.4", "regtui find -r prod sha256:4f53cda18c2b"],
    )
    find.add_argument("text", metavar="TEXT|DIGEST", nargs="+", help="words of a name, or a digest")
    _json_option(find)


def _usage(command: _Command) -> None:
    usage = command(
        "Shows how many bytes each repository and namespace uses, and how many of them nothing else does: only those "
        "would become free with it. Each blob counts once. To a pipe: name, bytes, bytes of its own and tags, "
        "separated by tabs. Images without a tag are not seen.",
        ["regtui usage prod", "regtui usage prod --json"],
    )
    _registry_argument(usage)
    _json_option(usage)


def _compare(command: _Command) -> None:
    compare = command(
        "Shows what two images differ in: platforms, layers, and how they are run.",
        ["regtui compare prod/team/app:1.4.1 prod/team/app:1.4.2", "regtui compare -r prod team/app:1.4 team/app:dev"],
    )
    compare.add_argument("references", metavar="REFERENCE", nargs=2, help=f"{_REFERENCE_HELP}; without either, latest")
    _json_option(compare)


def _attached(command: _Command) -> None:
    attached = command(
        "Shows what is attached to an image and to its platforms: signatures, bills of materials (SBOMs), provenance, "
        "reports of vulnerabilities, and whatever else refers to it. Each is named for what it says it is: nothing is "
        "verified. To a pipe: kind, digest, subject, type and bytes, separated by tabs. The exit code is 1 "
        "where something that is attached cannot be read.",
        ["regtui attached prod/team/app:1.4.2", "regtui attached prod/team/app:1.4.2 --json"],
    )
    attached.add_argument("reference", metavar="REFERENCE", help=f"{_REFERENCE_HELP}; without either, latest")
    _json_option(attached)


def _sbom(command: _Command) -> None:
    sbom = command(
        "Lists the packages that the SBOM of an image names: of a multi-platform image, for this machine's platform. "
        "SPDX and CycloneDX are read, as JSON, also in an attestation. Nothing is verified. To a pipe: name, version, "
        "type, purl and licenses, separated by tabs. The exit code is 5 where no SBOM is attached, and 1 where one "
        "cannot be read.",
        ["regtui sbom prod/team/app:1.4.2", "regtui sbom prod/team/app:1.4.2 --platform linux/arm64 --json"],
    )
    sbom.add_argument("reference", metavar="REFERENCE", help=f"{_REFERENCE_HELP}; without either, latest")
    sbom.add_argument("--platform", metavar="OS/ARCH[/VARIANT]", help="that platform of a multi-platform image")
    _json_option(sbom)


def _tag(command: _Command) -> None:
    tag = command(
        "Gives an image another tag: the manifest stays what it is, to the byte. A tag that is another image is moved "
        "only after asking, or with --overwrite; undo moves it back.",
        ["regtui tag prod/team/app:1.4.2 stable", "regtui tag -r prod team/app:1.4.2 stable --overwrite"],
    )
    tag.add_argument("reference", metavar="REFERENCE", help="[REGISTRY/]NAME:TAG or NAME@DIGEST")
    tag.add_argument("tag", metavar="TAG", help="the new tag")
    tag.add_argument("--overwrite", action="store_true", help="don't ask where the tag is another image")
    tag.add_argument(
        "--without-undo",
        action="store_true",
        help="with --overwrite, also where undo could not move it back, as something of that image is missing",
    )
    _json_option(tag)


def _check(command: _Command) -> None:
    check = command(
        "Checks whether tags can be pulled: whether the registry has the manifest, the images below it, each config "
        "and each layer. Shows those that are broken, and what would mend them; the exit code is 1 where there are "
        "any. With --repair, lost blobs are put back, after showing them and asking: from the journal, from the cache, "
        "or from another repository of the registry.",
        [
            "regtui check registry.example.com/fullstack/common:0.0.43",
            "regtui check prod/fullstack/common --repair",
            "regtui check -r prod fullstack/common --json",
            "regtui check prod --all",
        ],
    )
    check.add_argument(
        "place", metavar="REGISTRY|REPOSITORY|REFERENCE", nargs="?", help=f"all of it is checked; {_REFERENCE_HELP}"
    )
    check.add_argument("--all", action="store_true", help="show tags that are whole, too")
    check.add_argument("--repair", action="store_true", help="put back what is missing where its bytes can be had")
    check.add_argument("--dry-run", action="store_true", help="with --repair: show what would happen, change nothing")
    check.add_argument("-y", "--yes", action="store_true", help="with --repair: don't ask")
    _json_option(check)


def _rm(command: _Command) -> None:
    rm = command(
        "Deletes tags: those that are named, or those of a repository that a rule selects. Other tags of the same "
        "image stay. A manifest that loses its last tag is deleted by digest; where that would take the registry more "
        "than a minute, as with thousands of tags, it is left to gc --untagged, and the plan says so.",
        [
            "regtui rm registry.example.com/fullstack/common:0.0.41",
            "regtui rm --dry-run -r prod fullstack/common:0.0.41 fullstack/common:0.0.42",
            "regtui rm prod/fullstack/common --match '^dev-' --older-than 30d --keep 5",
            "regtui rm -r prod --all-repositories --keep 10 --keep-match '^(latest|stable)$' --dry-run",
        ],
    )
    rm.add_argument(
        "references", metavar="REFERENCE", nargs="*", help="[REGISTRY/]NAME:TAG or NAME@DIGEST; with a rule, NAME"
    )
    rm.add_argument("--manifest", action="store_true", help="delete the manifest by digest, with all its tags")
    untagged = rm.add_mutually_exclusive_group()
    untagged.add_argument(
        "--with-manifests", action="store_true", help="delete manifests that lose their last tag however long it takes"
    )
    untagged.add_argument(
        "--tags-only", action="store_true", help="leave those manifests to gc --untagged, however few they are"
    )
    rm.add_argument("--with-attached", action="store_true", help="also signatures, attestations and SBOMs of the image")
    rm.add_argument(
        "--without-undo",
        action="store_true",
        help="also what undo could not put back, as something of it is missing or can't be read already",
    )
    rm.add_argument("--dry-run", action="store_true", help="show what would happen, and change nothing")
    rm.add_argument("-y", "--yes", action="store_true", help="don't ask")
    _json_option(rm)
    _rule_options(rm)


def _rule_options(rm: Parser) -> None:
    """What they mean together is said in deletion/judging.py."""
    rule = rm.add_argument_group(
        "by rule", "A tag goes where all the conditions hold. Protected tags, and tags without a date by age, never do."
    )
    rule.add_argument("--match", metavar="REGEX", help="its name matches, anywhere unless bound by ^ and $ (RE2)")
    rule.add_argument("--older-than", metavar="AGE", help="created longer ago: 12h, 30d, 2w, 6m (of 30 days), 1y")
    rule.add_argument(
        "--not-pulled-for",
        metavar="AGE",
        help="nobody pulled it, or its image, for so long, by the logs of the registry's host; unknown never matches",
    )
    rule.add_argument("--prereleases", action="store_true", help="its name is a version with alpha, beta, rc, dev …")
    rule.add_argument("--duplicates", action="store_true", help="another tag of the same image has the better name")
    rule.add_argument(
        "--keep", metavar="N", help="all but the newest N tags of those that --match and --prereleases leave"
    )
    rule.add_argument("--keep-images", metavar="N", help="all but the newest N images of those, with all their tags")
    rule.add_argument("--keep-by", choices=("created", "version"), help="what is newest (default: created)")
    rule.add_argument("--keep-match", metavar="REGEX", help="tags whose name matches stay, and don't count for --keep")
    rule.add_argument("--all-repositories", action="store_true", help="in every repository of the registry")


def _prune(command: _Command) -> None:
    prune = command(
        "Deletes what the retention rules of the config file select, in all repositories that they name: tags that are "
        "protected or in use stay. Shows all of it and asks; it is one run, which undo puts back. With --yes it is for "
        "timers: nothing is deleted where a source of what is in use can't be read, and not in a repository that isn't "
        "read as a whole, or of which a rule would take more than --most.",
        [
            "regtui prune prod --dry-run",
            "regtui prune prod --explain team/app:1.4.2",
            "regtui prune prod --as-of 2027-01-01",
            "regtui prune prod --yes --gc --json",
            "regtui prune prod --timer 03:30",
            "regtui prune prod --timer daily --gc --install",
        ],
    )
    _registry_argument(prune)
    prune.add_argument("--dry-run", action="store_true", help="show what would happen, and change nothing")
    prune.add_argument("-y", "--yes", action="store_true", help="don't ask")
    prune.add_argument("--gc", action="store_true", help="collect afterwards, where at least gc_when became free")
    prune.add_argument(
        "--most",
        metavar="PERCENT",
        type=share,
        help="leave a repository of which more of its tags would go (with --yes: 50%%)",
    )
    prune.add_argument(
        "--time-limit", metavar="TIME", type=period_seconds, help="begin nothing more after that: 90m (with --yes: 6h)"
    )
    kinds = prune.add_mutually_exclusive_group()
    kinds.add_argument("--explain", metavar="REFERENCE", help="say why a tag goes or stays; all tags of a NAME")
    kinds.add_argument("--check", action="store_true", help="tell entries that overlap, or that never count")
    kinds.add_argument(
        "--timer", metavar="WHEN", help="print a systemd timer and a line for cron: daily, weekly, 03:30"
    )
    kinds.add_argument("--uninstall", action="store_true", help="take this user's timer away")
    prune.add_argument("--install", action="store_true", help="with --timer: set it up for this user")
    prune.add_argument(
        "--as-of", metavar="DATE", type=date, help="show what would go then, or with --explain why: 2027-01-01"
    )
    _json_option(prune)


def _undo(command: _Command) -> None:
    undo = command(
        "Puts back what a deletion removed, digest for digest, as long as its blobs were not garbage-collected. "
        "Without the name of a run, the last deletion at the registry that was not undone yet.",
        [
            "regtui undo registry.example.com",
            "regtui undo --list",
            "regtui undo 12",
            "regtui undo 20261124T093012Z.12-registry.example.com-1f0c2b7e --dry-run",
        ],
    )
    undo.add_argument(
        "target",
        metavar="REGISTRY|RUN",
        nargs="?",
        help="where, or what: a run by its name or number, as --list shows it",
    )
    undo.add_argument(
        "--list", action="store_true", help="list deletions and undos, newest first, each with the name of its run"
    )
    undo.add_argument("--overwrite", action="store_true", help="also tags that were pushed anew since")
    undo.add_argument("--finish", action="store_true", help="do the rest of a run that was interrupted")
    undo.add_argument("--dry-run", action="store_true", help="show what would happen, and change nothing")
    undo.add_argument("-y", "--yes", action="store_true", help="don't ask")
    _json_option(undo)


def _gc(command: _Command) -> None:
    gc = command(
        "Frees what deletions left, on the registry's host: looks, makes a dry run, shows the commands, asks, keeps "
        "pushes out, collects, brings the registry back, and checks every tag. Where the registry runs is said in the "
        "config file; at a loopback address it is this machine.",
        [
            "regtui gc prod --dry-run",
            "regtui gc prod --untagged",
            "regtui gc prod --serve-pulls",
            "regtui gc prod --yes --json",
            "regtui gc prod --yes --if-frees 5G --uploads 7d --remove-empty --json",
            "regtui gc prod --status",
            "regtui gc prod --bring-back",
        ],
    )
    _registry_argument(gc)
    gc.add_argument("--dry-run", action="store_true", help="show what would be freed, and change nothing")
    gc.add_argument("--untagged", action="store_true", help="also images that no tag, index or referrer reaches")
    ways = gc.add_mutually_exclusive_group()
    ways.add_argument("--online", action="store_true", help="keep no pushes out: what is pushed meanwhile can break")
    ways.add_argument(
        "--read-only-mode", action="store_true", help="make the registry read-only meanwhile, where that is set up"
    )
    ways.add_argument(
        "--serve-pulls",
        action="store_true",
        help="answer pulls while it is stopped, by a read-only stand-in on its port",
    )
    gc.add_argument("--verify", choices=("sample", "all"), default="sample", help="tags that are checked afterwards")
    gc.add_argument("--remove-empty", action="store_true", help="also remove repositories in which nothing is left")
    gc.add_argument(
        "--uploads",
        metavar="AGE",
        type=age_minutes,
        help="also remove uploads to which nothing came for so long: 7d",
    )
    gc.add_argument("--if-frees", metavar="SIZE", type=byte_count, help="collect only if at least that is freed: 5G")
    gc.add_argument(
        "--if-free-below", metavar="PERCENT", type=percent, help="collect only if less of the disk is free: 10%%"
    )
    gc.add_argument(
        "--status", action="store_true", help="show a collection begun before, with its log; exit 1 where it went wrong"
    )
    gc.add_argument(
        "--bring-back", action="store_true", help="end what a collection that was killed left, and start the registry"
    )
    gc.add_argument("-y", "--yes", action="store_true", help="don't ask")
    _json_option(gc)


def _log(command: _Command) -> None:
    log = command(
        "Shows what was deleted, restored and collected from this machine, newest first: when, by whom, where, with "
        "what result. It is kept for 90 days.",
        ["regtui log", "regtui log registry.example.com --json", "regtui log --prune 30"],
    )
    _registry_argument(log)
    log.add_argument("--prune", metavar="DAYS", type=days, help="forget what is older: it can't be undone any more")
    _json_option(log)


def _login(command: _Command) -> None:
    login = command(
        "Checks a user name and password against the registry, and stores them in the system's keyring. Where there is "
        "none, as on most servers, it offers to keep them as docker login does.",
        [
            "regtui login registry.example.com -u ci",
            "regtui login prod -u ci --store docker --password-stdin < password.txt",
        ],
    )
    _registry_argument(login)
    login.add_argument(
        "--store", choices=("keyring", "docker"), default="keyring", help="where to keep it (default: keyring)"
    )


def _logout(command: _Command) -> None:
    logout = command("Forgets the credential of a registry.", ["regtui logout registry.example.com"])
    _registry_argument(logout)


def _cache(command: _Command) -> None:
    cache = command(
        "Shows how much is kept on disk of the manifests and configs that were read, and where. With --clear, it is "
        "forgotten; nothing but speed is lost by that.",
        ["regtui cache", "regtui cache --clear"],
    )
    cache.add_argument("--clear", action="store_true", help="forget all of it")
    _json_option(cache)


def _doctor(command: _Command) -> None:
    doctor = command(
        "Checks name, port, TLS, login, catalog, deletion, clock, SSH and garbage collection of a registry, and says "
        "what to do about each that is wrong. Changes nothing. The exit code is that of the first failure.",
        ["regtui doctor registry.example.com", "regtui doctor prod --json"],
    )
    _registry_argument(doctor)
    _json_option(doctor)


def _registry_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "registry_argument", metavar="REGISTRY", nargs="?", help="a profile's name, or [http://]HOST[:PORT][/PREFIX]"
    )


def _json_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def _connection_options() -> Parser:
    """The options of every command that talks to a registry."""
    parent = Parser(add_help=False, allow_abbrev=False)
    group = parent.add_argument_group("registry")
    group.add_argument("-r", "--registry", metavar="REGISTRY", help="the registry, apart from the repository")
    group.add_argument("-u", "--username", metavar="NAME", default="", help="log in as NAME; asks for the password")
    group.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    group.add_argument("--plain-http", action="store_true", help="HTTP instead of HTTPS")
    group.add_argument("--ca-file", metavar="FILE", type=path, help="trust the authorities in FILE (PEM)")
    group.add_argument("--client-cert", metavar="FILE", type=path, help="show this certificate (PEM)")
    group.add_argument("--client-key", metavar="FILE", type=path, help="its key, where it is in another file")
    group.add_argument("--insecure", action="store_true", help="don't check the registry's certificate")
    group.add_argument(
        "--insecure-host",
        metavar="HOST",
        action="append",
        default=[],
        help="nor that of HOST[:PORT], such as its token service; may be repeated",
    )
    group.add_argument("--no-cache", action="store_true", help="ask the registry again for everything")
    group.add_argument("--timeout", metavar="SECONDS", type=seconds, help="for each answer (default: 30)")
    group.add_argument("--config", metavar="FILE", type=path, help="instead of regtui/config.toml")
    group.add_argument("--log-file", metavar="FILE", type=path, help="write every request there, without secrets")
    group.add_argument("--read-only", action="store_true", help="change nothing in the registry")
    return parent


def _in_use(command: _Command) -> None:
    in_use = command(
        "Shows which images of a registry are in use: what containers run, by docker and podman; what pods run "
        "and workloads name, in Kubernetes; what files name; and what a command prints. The config file says where to "
        "look, below [registries.NAME.in_use]. Images that are in use and gone from the registry are shown with the "
        "undo that brings them back, where there is one. The exit code is 1 where something could not be read.",
        ["regtui in-use prod", "regtui in-use prod --json"],
    )
    _registry_argument(in_use)
    _json_option(in_use)


_DECLARED: Final[dict[str, Callable[[_Command], None]]] = {
    "browse": _browse,
    "demo": _demo,
    "ls": _ls,
    "tags": _tags,
    "inspect": _inspect,
    "find": _find,
    "usage": _usage,
    "compare": _compare,
    "attached": _attached,
    "sbom": _sbom,
    "check": _check,
    "tag": _tag,
    "rm": _rm,
    "prune": _prune,
    "undo": _undo,
    "gc": _gc,
    "in-use": _in_use,
    "log": _log,
    "login": _login,
    "logout": _logout,
    "cache": _cache,
    "doctor": _doctor,
}
