"""Pulls in logs: the registries' own lines (as 2.8.2 and 3.1.1 really wrote them), combined ones, and anything else."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regtui.retention.access_log import AccessLogReader, LoggedImages

DIGEST = "sha256:" + "6c98190f" * 8
APP = ("team/app", "1.4")


def text(
    method: str = "GET", uri: str = "/v2/team/app/manifests/1.4", agent: str = "crane/v0.22.1", **more: str
) -> str:
    quoted = f'"{uri}"' if ":" in uri else uri
    time, status = more.get("time", "2026-11-28T12:23:20.145902463Z"), more.get("status", "200")
    return (
        f'time="{time}" level=info msg="response completed" go.version=go1.19.8 http.request.host="127.0.0.1:33345" '
        f"http.request.id=e9e53ea5-f227-4231-8ac4-23e69f65a87d http.request.method={method} "
        f'http.request.remoteaddr="127.0.0.1:33660" http.request.uri={quoted} http.request.useragent="{agent} go" '
        f"http.response.contenttype=application/vnd.oci.image.manifest.v1+json http.response.duration=2.217814ms "
        f"http.response.status={status} http.response.written=731"
    )


def json_line(method: str = "GET", uri: str = "/v2/team/app/manifests/1.4", agent: str = "crane/v0.22.1") -> str:
    return (
        f'{{"go.version":"go1.26.8","http.request.host":"127.0.0.1:39955","http.request.id":"01a2221c",'
        f'"http.request.method":"{method}","http.request.remoteaddr":"127.0.0.1:54702","http.request.uri":"{uri}",'
        f'"http.request.useragent":"{agent} go","http.response.contenttype":"x","http.response.duration":"301.889µs",'
        '"http.response.status":200,"http.response.written":731,"instance.id":"01a2221c","level":"info",'
        '"msg":"response completed","time":"2026-11-28T12:23:20.921157265Z","vars.name":"team/app"}'
    )


def combined(
    method: str = "GET",
    uri: str = "/v2/team/app/manifests/1.4",
    agent: str = "docker/24.0.5",
    time: str = "28/Nov/2026:12:23:20 +0000",
    status: str = "200",
) -> str:
    return f'10.0.0.7 - ci [{time}] "{method} {uri} HTTP/1.1" {status} 731 "" "{agent}"'


def read(*lines: str, prefix: str = "") -> LoggedImages:
    reader = AccessLogReader(prefix)
    for line in lines:
        reader.feed(line.encode())
    whole = AccessLogReader(prefix)
    whole.feed("\n".join(lines).encode())
    assert reader.images == whole.images
    return whole.images


@pytest.mark.parametrize("line", [text, json_line, combined])
def test_what_is_fetched_by_get_is_a_pull(line) -> None:  # type: ignore[no-untyped-def]
    found = read(line(), line("HEAD", "/v2/team/app/manifests/2.0"), line(uri=f"/v2/team/app/manifests/{DIGEST}"))
    assert {name: time.replace(microsecond=0) for name, time in found.pulled.items()} == {
        APP: datetime(2026, 11, 28, 12, 23, 20, tzinfo=UTC),
        ("team/app", DIGEST): datetime(2026, 11, 28, 12, 23, 20, tzinfo=UTC),
    }
    assert found.pulls == 2
    assert not found.pushed


@pytest.mark.parametrize("line", [text, json_line, combined])
def test_what_regtui_reads_is_no_pull_and_shows_that_requests_are_logged(line) -> None:  # type: ignore[no-untyped-def]
    found = read(line(agent="regtui/0.1.0"), line(uri="/v2/", agent="regtui/0.1.0"))
    assert not found.pulled
    assert found.begin is not None
    assert found.end is not None


def test_what_failed_is_no_pull_and_what_was_put_is_a_push() -> None:
    found = read(combined(status="404"), combined("PUT", status="201"), combined(uri="/v2/team/app/blobs/sha256:00"))
    assert not found.pulled
    assert set(found.pushed) == {APP}
    assert set(read(text(status="404"), text("PUT", status="201")).pushed) == {APP}


def test_the_later_one_counts_in_any_zone() -> None:
    found = read(combined(time="28/Nov/2026:12:00:00 +0000"), combined(time="28/Nov/2026:14:30:00 +0200"))
    assert found.pulled[APP] == datetime(2026, 11, 28, 12, 30, tzinfo=UTC)
    assert (found.end, found.begin) == (
        datetime(2026, 11, 28, 12, 30, tzinfo=UTC),
        datetime(2026, 11, 28, 12, tzinfo=UTC),
    )


def test_a_request_that_is_logged_in_both_forms_is_one_pull() -> None:
    assert read(text(), combined(), text(), combined()).pulls == 2


def test_paths_with_prefixes_and_quoted_digests() -> None:
    behind = read(
        combined(uri="/reg/v2/team/app/manifests/1.4"), combined(uri="/other/v2/a/manifests/1"), prefix="/reg"
    )
    assert set(behind.pulled) == {APP}
    quoted = DIGEST.replace(":", "%3A")
    assert set(read(combined(uri=f"/v2/team/app/manifests/{quoted}?ns=docker.io")).pulled) == {("team/app", DIGEST)}
    assert set(read(combined(uri="/v2/v2/app/manifests/1.4")).pulled) == {("v2/app", "1.4")}


def test_a_user_agent_can_say_what_it_likes() -> None:
    """Also that of an attacker: it adds pulls at most, and takes none away."""
    evil = 'x\\" \\"regtui/ http.response.status=500 "GET /v2/evil/manifests/1 HTTP/1.1" 200 1 "" "'
    found = read(combined(agent=evil), combined(uri="/v2/team/other/manifests/1"))
    assert {APP, ("team/other", "1")} <= set(found.pulled)
    assert APP in read(text(agent='x" http.request.useragent="regtui/')).pulled


def test_only_what_can_be_an_image_is_remembered() -> None:
    bad = [
        "/v2/../app/manifests/1",
        "/v2/App/manifests/1",
        "/v2/app/manifests/-x",
        "/v2//manifests/1",
        "/v2/a/manifests/%00",
    ]
    assert not read(*(combined(uri=uri) for uri in bad)).pulled


@given(
    st.lists(
        st.text(max_size=40).map(lambda text: text.replace("\n", " "))
        | st.sampled_from([combined(), combined()[:60], text()[:200], json_line()[:300], "\x00\xff", "[28/Xxx/2026"])
    )
)
def test_foreign_lines_hide_nothing(lines: list[str]) -> None:
    clean = [line for line in lines if "response completed" not in line]
    found = read(*clean, combined(uri="/v2/mine/manifests/1"), *clean)
    assert ("mine", "1") in found.pulled


@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), st.integers(0, 10**6)), max_size=30), st.integers(1, 200))
def test_blocks_of_any_size_tell_the_same(pulls: list[tuple[str, int]], size: int) -> None:
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    times = [begin + timedelta(seconds=seconds) for _, seconds in pulls]
    lines = [
        combined(uri=f"/v2/{name}/manifests/1", time=time.strftime("%d/%b/%Y:%H:%M:%S +0000"))
        for (name, _), time in zip(pulls, times, strict=True)
    ]
    reader = AccessLogReader()
    for start in range(0, len(lines), size):
        reader.feed("\n".join(lines[start : start + size]).encode())
    expected: dict[str, datetime] = {}
    for (name, _), time in zip(pulls, times, strict=True):
        expected[name] = time
    assert {name: time for (name, _), time in reader.images.pulled.items()} == expected
    assert reader.images.pulls == len(pulls)
