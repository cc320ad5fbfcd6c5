"""A D-Bus of one's own with GNOME's keyring at it, as a desktop has them; and a bus that never says a word."""

import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.processes import clean_environment, running
from tests.support.programs import find_program

_PASSWORD = b"of the keyring itself"


@dataclass(frozen=True)
class SecretService:
    """`environment` leads a program to it."""

    environment: Mapping[str, str]

    def entries(self, service: str) -> dict[str, str]:
        """Passwords by user, as libsecret's own client sees them: nothing of Python is between."""
        environment = clean_environment(Path("/nowhere"), **self.environment)
        tool = [str(find_program("secret-tool")), "search", "--all", "--unlock", "service", service]
        done = subprocess.run(tool, env=environment, capture_output=True, text=True, timeout=60)
        lines = [line.partition(" = ") for line in (done.stdout + done.stderr).splitlines()]
        secrets = [value for name, _, value in lines if name == "secret"]
        users = [value for name, _, value in lines if name == "attribute.username"]
        return dict(zip(users, secrets, strict=True))


@contextmanager
def start_secret_service(folder: Path) -> Iterator[SecretService]:
    """Unlocked, until the block ends."""
    # A socket's path has to be short.
    with ExitStack() as stack:
        place = Path(stack.enter_context(TemporaryDirectory(prefix="regtui-bus-")))
        address = f"unix:path={place / 'bus'}"
        where = {"DBUS_SESSION_BUS_ADDRESS": address, "XDG_RUNTIME_DIR": str(place)}
        folder.mkdir(parents=True, exist_ok=True)
        environment = clean_environment(folder, **where)
        bus = [str(find_program("dbus-daemon")), "--session", "--nofork", "--nopidfile", f"--address={address}"]
        stack.enter_context(running(bus, log=folder / "bus.log", environment=environment, ready=(place / "bus").exists))
        stack.enter_context(_keyring(environment, folder / "keyring.log"))
        yield SecretService(where)


@contextmanager
def _keyring(environment: Mapping[str, str], log: Path) -> Iterator[None]:
    password = log.with_name("password")
    password.write_bytes(_PASSWORD)
    # It reads the password to its end, and `running` gives no input.
    daemon = str(find_program("gnome-keyring-daemon"))
    command = ["sh", "-c", 'exec "$0" --foreground --unlock --components=secrets <"$1"', daemon, str(password)]
    ask = [str(find_program("dbus-send")), "--session", "--print-reply", "--dest=org.freedesktop.DBus", "/"]
    ask += ["org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.secrets"]

    def ready() -> bool:
        return b"true" in subprocess.run(ask, env=dict(environment), capture_output=True).stdout

    with running(command, log=log, environment=environment, ready=ready):
        yield


@contextmanager
def silent_bus(folder: Path) -> Iterator[Mapping[str, str]]:
    """The environment of a D-Bus at which somebody listens, and never says a word."""
    with socket.socket(socket.AF_UNIX) as bus:
        bus.bind(str(folder / "bus"))
        bus.listen(16)
        yield {"DBUS_SESSION_BUS_ADDRESS": f"unix:path={folder / 'bus'}"}
