"""A registry whose storage is a bucket of a real S3 server: collected in place, sized by manifests, checked by tags."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from regtui.garbage.values import Choices
from regtui.garbage.words import forecast_sentences, report_sentences, survey_sentences
from regtui.host.keep_out import KeepOut
from tests.support.clients import crane, crane_validate, skopeo
from tests.support.collecting import GOING, REPOSITORY, Registry, all_pull, connected, delete_half, fill, kept, target
from tests.support.containers import Containers, free_port, start_registry_container
from tests.support.registry_images import CONFIGS
from tests.support.s3 import S3Server, start_s3
from tests.support.servers import VERSIONS, write_config
from tests.support.systemd import start_service

FEW = 4


@pytest.fixture
def s3(tmp_path: Path) -> Iterator[S3Server]:
    with start_s3(tmp_path / "s3") as server:
        yield server


async def is_collected(registry: Registry, s3: S3Server) -> None:
    fill(registry.url, images=FEW)
    with kept(registry.url, f"{REPOSITORY}:{GOING[0]}") as image:
        connection = await connected(target(registry, runtime=registry.runtime))
        await delete_half(connection, images=FEW)
        collector = connection.collector()
        survey = await collector.survey()
        assert (survey.driver, survey.root, survey.used) == ("s3", "", None)
        assert KeepOut.STAND_IN not in survey.keep_out
        assert "storage s3" in " ".join(survey_sentences(survey)).lower()
        forecast = await collector.forecast(Choices())
        assert forecast.by_manifests
        assert forecast.is_exact
        assert {name for name, _ in forecast.by_repository} == {REPOSITORY, "team/multi"}
        assert "by the manifests" in forecast_sentences(forecast, Choices(), survey)[0]
        before = s3.blob_bytes()
        async for _ in collector.collect(Choices()):
            pass
        report = collector.report
        await connection.close()
        assert report.is_complete, report
        assert report.freed == forecast.bytes == before - s3.blob_bytes() > 0
        assert "by the manifests" in report_sentences(report)[0]
        # No storage was listed: the tags are the proof.
        assert report.verified is not None
        assert report.verified.checked == report.verified.total == 4
        all_pull(registry.host, images=FEW)
        skopeo("copy", f"dir:{image}", f"docker://{registry.host}/{REPOSITORY}:again")
        crane_validate(f"{registry.host}/{REPOSITORY}:again")


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_service_on_s3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, s3: S3Server) -> None:
    storage = {"storage": {"filesystem": None, **s3.driver()}}
    with start_service(version, tmp_path / "service", changes=storage) as service:
        monkeypatch.setenv("PATH", f"{service.bin}:{os.environ['PATH']}")
        await is_collected(service, s3)


async def test_a_container_on_s3(
    podman: Containers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, s3: S3Server
) -> None:
    """Its collector is in the container's network: only from there is the bucket reached."""
    monkeypatch.setenv("PATH", f"{podman.bin}:{os.environ['PATH']}")
    port = free_port()
    config = tmp_path / "config.yml"
    write_config(config, tmp_path, port=port, changes={"storage": {"filesystem": None, **s3.driver()}})
    made: AbstractContextManager[Registry] = start_registry_container(
        podman,
        "2.8.2",
        tmp_path / "storage",
        name="bucket",
        options=("-v", f"{config}:{CONFIGS['2.8.2']}:ro"),
        port=port,
    )
    with made as registry:
        await is_collected(registry, s3)


async def test_of_what_others_deleted_the_size_is_not_known_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, s3: S3Server
) -> None:
    storage = {"storage": {"filesystem": None, **s3.driver()}}
    with start_service("3.1.1", tmp_path / "service", changes=storage) as service:
        monkeypatch.setenv("PATH", f"{service.bin}:{os.environ['PATH']}")
        fill(service.url, images=FEW)
        reference = f"{service.host}/{REPOSITORY}:{GOING[0]}"
        crane("delete", f"{service.host}/{REPOSITORY}@{crane('digest', reference)}")
        connection = await connected(target(service, runtime="systemd"))
        collector = connection.collector()
        survey, forecast = await collector.survey(), await collector.forecast(Choices())
        await connection.close()
        assert forecast.bytes == 0
        # Its layers are shared.
        assert len(forecast.blobs) == 2
        said = forecast_sentences(forecast, Choices(), survey)
        assert said[0].startswith("2 blobs can be freed; ")
        assert said[1].startswith("The size of 2 blobs isn't known: the storage can't be asked")
