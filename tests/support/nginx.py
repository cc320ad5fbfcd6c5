"""nginx in front of a registry, as people run it: TLS, a sub-path, basic authentication."""

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.support.processes import ServerDidNotStart, clean_environment, running
from tests.support.programs import find_program
from tests.support.servers import RegistryServer, write_htpasswd
from tests.support.tls import TlsFiles

_CONFIG = """\
daemon off;
# One process: its pid is the server's, and it reads what the tests may read.
master_process off;
pid {directory}/nginx.pid;
error_log {directory}/nginx.log info;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    server {{
        listen 127.0.0.1:{port}{ssl};
{tls}
{server}
        client_max_body_size 0;
        location {path}/v2/ {{
{auth}
{location}
            proxy_pass {upstream};
            proxy_set_header Host {host};
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_read_timeout 900;
        }}
    }}
}}
"""


@dataclass(frozen=True)
class NginxServer:
    """A running nginx; `url` is the registry's as seen through it, sub-path included."""

    host: str
    url: str
    pid: int
    log: Path


@contextmanager
def start_nginx(
    upstream: RegistryServer,
    directory: Path,
    *,
    tls: TlsFiles | None = None,
    prefix: str | None = None,
    htpasswd: Mapping[str, str] | None = None,
    server: str = "",
    location: str = "",
    host: str = "$http_host",
) -> Iterator[NginxServer]:
    """Run nginx in front of `upstream` until the block ends. `server` and `location` are lines for those blocks;
    `host` is what the registry is told that it is called.

    A `prefix` that the registry was started with is handed through, so its Links fit. A prefix it does not
    know of is cut off, so that it answers with Links that lack it: people do run it like that.
    """
    program = find_program("nginx")
    directory.mkdir(parents=True, exist_ok=True)
    if htpasswd is not None:
        write_htpasswd(directory / "htpasswd", htpasswd)
    # nginx cannot say which port the kernel chose: another process may take ours first, so try again.
    for attempt in range(3):
        try:
            lines = {"server": server, "location": location, "host": host}
            with _start_once(str(program), upstream, directory, tls, prefix, htpasswd is not None, lines) as started:
                yield started
                return
        except ServerDidNotStart as failure:
            if "Address already in use" not in failure.log_tail or attempt == 2:
                raise


@contextmanager
def _start_once(
    program: str,
    upstream: RegistryServer,
    directory: Path,
    tls: TlsFiles | None,
    prefix: str | None,
    password: bool,
    lines: Mapping[str, str],
) -> Iterator[NginxServer]:
    port = _free_port()
    path = f"/{prefix.strip('/')}" if prefix else ""
    registry = httpx.URL(upstream.url)
    handed_through = registry.path.rstrip("/") == path
    config = directory / "nginx.conf"
    config.write_text(
        _CONFIG.format(
            **lines,
            directory=directory,
            port=port,
            path=path,
            ssl=" ssl" if tls else "",
            tls=f"ssl_certificate {tls.cert}; ssl_certificate_key {tls.key};" if tls else "",
            auth=f'auth_basic "Registry realm"; auth_basic_user_file {directory}/htpasswd;' if password else "",
            # Without a path, proxy_pass hands on the request's own.
            upstream=f"{registry.scheme}://{upstream.host}" + ("" if handed_through else "/v2/"),
        )
    )
    log = directory / "nginx.log"
    host = f"127.0.0.1:{port}"
    url = f"{'https' if tls else 'http'}://{host}{path}"
    command = [program, "-p", str(directory), "-e", str(log), "-c", str(config)]

    def ready() -> bool:
        # That it answers is enough: some tests want a certificate that nobody would accept.
        try:
            return httpx.get(f"{url}/v2/", verify=False, trust_env=False).status_code < 500
        except httpx.TransportError:
            return False

    environment = clean_environment(directory, PATH=os.defpath)
    with running(command, log=log, environment=environment, ready=ready) as pid:
        yield NginxServer(host, url, pid, log)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
