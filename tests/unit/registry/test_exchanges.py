"""The log of requests: each with its answer, bounded."""

import threading

import httpx

from regtui.registry.exchanges import Exchange, RequestLog
from tests.unit.registry.scripted import by_path, in_turn, pong


def exchange(number: int) -> Exchange:
    return Exchange(1_790_000_000.0 + number, "GET", f"https://registry.example.com/v2/{number}", 200, 2, 0.003)


async def test_every_request_is_there_with_its_answer() -> None:
    registry = by_path({"/v2/": pong(), "/v2/a/tags/list": httpx.Response(200, json={"name": "a", "tags": ["1"]})})
    async with registry.client(tries=1) as client:
        await client.ping()
        assert [tag async for page in client.tags("a") for tag in page] == ["1"]
        latest = client.log.latest()
    assert [(each.method, each.url.partition("?")[0], each.status) for each in latest] == [
        ("GET", "https://registry.example.com/v2/", 200),
        ("GET", "https://registry.example.com/v2/a/tags/list", 200),
    ]
    assert [each.size for each in latest] == [2, len(b'{"name":"a","tags":["1"]}')]
    assert all(0 <= each.seconds < 60 and each.began > 1_700_000_000 for each in latest)


async def test_each_try_is_one_and_no_answer_is_one_too() -> None:
    async with in_turn(httpx.Response(503), httpx.ReadTimeout("slow"), pong()).client() as client:
        await client.ping()
        assert [(each.status, each.size) for each in client.log.latest()] == [(503, 0), (None, 0), (200, 2)]


def test_it_is_bounded_and_counts_on() -> None:
    log = RequestLog(kept=3)
    for number in range(5):
        log.add(exchange(number))
    assert log.latest() == [exchange(2), exchange(3), exchange(4)]
    assert log.total == 5


def test_it_is_read_while_it_is_written() -> None:
    log = RequestLog(kept=100)

    def write() -> None:
        for number in range(20_000):
            log.add(exchange(number))

    writer = threading.Thread(target=write)
    writer.start()
    while writer.is_alive():
        began = [each.began for each in log.latest()]
        assert began == sorted(began)
    assert log.total == 20_000
