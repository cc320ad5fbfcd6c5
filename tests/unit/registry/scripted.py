"""A registry that answers what a test says, and remembers what it was asked."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import httpx

from regtui.registry.address import Address
from regtui.registry.client import RegistryClient
from regtui.registry.http import Explain
from regtui.registry.retry import RetryPolicy
from regtui.registry.settings import HttpSettings
from regtui.registry.values import Credential, LookUp

Answer = httpx.Response | Exception
Script = Callable[[httpx.Request], Answer | Awaitable[Answer]]

ADDRESS = "https://registry.example.com"


@dataclass
class Scripted:
    """`script` answers every request; the exceptions that it returns are raised as the network's."""

    script: Script
    asked: list[httpx.Request] = field(default_factory=list)

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.script(request)
        # Others get their turn, as they would while a network answers.
        await asyncio.sleep(0)
        if isinstance(answer, Awaitable):
            answer = await answer
        if isinstance(answer, Exception):
            raise answer
        return answer

    def client(
        self,
        credential: Credential | None = None,
        address: str = ADDRESS,
        tries: int = 3,
        explain: Explain | None = None,
    ) -> RegistryClient:
        return RegistryClient(Address.parse(address), credential, self._settings(tries), explain=explain)

    def client_with(self, look_up: LookUp) -> RegistryClient:
        """A client that looks for its credentials when it is asked for them."""
        return RegistryClient(Address.parse(ADDRESS), None, self._settings(3), look_up)

    def _settings(self, tries: int) -> HttpSettings:
        return HttpSettings(transport=httpx.MockTransport(self), retry=RetryPolicy(tries=tries, base=0.0))

    @property
    def lines(self) -> list[str]:
        """METHOD PATH?QUERY of every request."""
        return [f"{request.method} {request.url.raw_path.decode()}" for request in self.asked]


def in_turn(*answers: Answer) -> Scripted:
    """Answers one after the other; the last one again and again."""
    left = list(answers)
    return Scripted(lambda request: left.pop(0) if len(left) > 1 else left[0])


def by_path(answers: Mapping[str, Answer | Callable[[httpx.Request], Answer]]) -> Scripted:
    """By `METHOD PATH` or PATH, without the query; 404 for all else."""

    def script(request: httpx.Request) -> Answer:
        answer = answers.get(f"{request.method} {request.url.path}") or answers.get(request.url.path)
        if callable(answer):
            return answer(request)
        return answer or refusal(404, "UNKNOWN")

    return Scripted(script)


def refusal(status: int, code: str, detail: object = None, **headers: str) -> httpx.Response:
    """An error in the form of the distribution-spec."""
    entry = {"code": code, "message": code.lower().replace("_", " "), "detail": detail}
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, headers=names, content=json.dumps({"errors": [entry]}).encode())


def pong() -> httpx.Response:
    return httpx.Response(200, headers={"Docker-Distribution-Api-Version": "registry/2.0"}, content=b"{}")
