"""Answers that are no mistake of HTTP's, and yet not what they should be: told, beside everything that is good."""

import json
from collections.abc import Iterator

import pytest

from tests.support.commands import Regtui, failed
from tests.support.gateway import Asked, Gateway, Reply, start_gateway

pytestmark = pytest.mark.integration

HEADERS = {"Docker-Distribution-Api-Version": "registry/2.0", "Content-Type": "application/json"}
IMAGE = {"schemaVersion": 2, "mediaType": "application/vnd.acme.thing+json"}


def answers(asked: Asked) -> Reply:
    """Its first page of tags leads to itself, with more tags each time, and never ends."""
    path, _, query = asked.path.partition("?")
    if path == "/v2/odd/tags/list":
        first = int(query.rpartition("=")[2] or 0)
        # The same tags from some page on: that is where a client gives up.
        names = [f"t{number}" for number in range(first, first + 2)] if first < 4 else []
        link = {"Link": f'</v2/odd/tags/list?last={first + 2}>; rel="next"'}
        return Reply(200, HEADERS | link, json.dumps({"name": "odd", "tags": names}).encode())
    if path == "/v2/plain/tags/list":
        return Reply(200, HEADERS, b'{"name":"plain","tags":["hello","thing"]}')
    if "/manifests/" in path:
        value = {"hello": 1} if path.endswith("hello") else IMAGE
        return Reply(200, HEADERS, b"" if asked.method == "HEAD" else json.dumps(value).encode())
    return Reply(200, HEADERS, b"{}") if path == "/v2/" else Reply(404, HEADERS, b"{}")


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with start_gateway(answers) as started:
        yield started


def test_a_list_that_is_cut_shows_what_was_read_and_then_why_it_ends(gateway: Gateway, regtui: Regtui) -> None:
    why = "lists the same tags of odd again and again: there may be more."
    names = regtui("tags", f"{gateway.url}/odd", "--names")
    assert (names.returncode, names.stdout.split()) == (1, ["t3", "t2", "t1", "t0"])
    assert why in names.stderr
    rows = regtui("tags", f"{gateway.url}/odd")
    assert (rows.returncode, [line.split("\t")[0] for line in rows.stdout.splitlines()]) == (
        1,
        ["t3", "t2", "t1", "t0"],
    )
    assert why in rows.stderr
    records = regtui("tags", f"{gateway.url}/odd", "--json")
    assert [json.loads(line)["tag"] for line in records.stdout.splitlines()] == ["t3", "t2", "t1", "t0"]
    assert (records.returncode, why in records.stderr) == (1, True)


def test_json_that_is_no_manifest_is_told_as_what_it_is(gateway: Gateway, regtui: Regtui) -> None:
    what = "it is no manifest, but a JSON object with hello"
    for form in ([], ["--json"]):
        failed(regtui("inspect", f"{gateway.url}/plain:hello", *form), 1, what)
    # Its bytes can be had all the same, and what says that it is a manifest is shown.
    assert regtui("inspect", f"{gateway.url}/plain:hello", "--raw").stdout == '{"hello": 1}'
    (thing,) = regtui.records("inspect", f"{gateway.url}/plain:thing")
    assert (thing["media_type"], thing["manifest"]) == (IMAGE["mediaType"], IMAGE)
    first, second = (json.loads(line) for line in regtui("tags", f"{gateway.url}/plain", "--json").stdout.splitlines())
    said = {record["tag"]: record.get("error", "") for record in (first, second)}
    assert said == {"hello": f"its manifest can't be read: {what}", "thing": ""}
