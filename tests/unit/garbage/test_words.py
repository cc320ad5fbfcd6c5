"""Garbage collection in sentences."""

import tomllib
from dataclasses import replace

import pytest

from regtui.garbage.course import Course
from regtui.garbage.values import (
    Choices,
    CollectionReport,
    EarlierRun,
    Event,
    Forecast,
    Stage,
    StageStatus,
    Survey,
    TagsVerified,
    UntaggedManifest,
)
from regtui.garbage.words import (
    KEEP_OUT,
    NOW,
    STAGES,
    duration,
    earlier_sentences,
    forecast_sentences,
    keep_out_sentence,
    not_configured,
    question,
    report_sentences,
    repository_rows,
    survey_sentences,
    untagged_offer,
)
from regtui.host.errors import HostUnknown
from regtui.host.keep_out import KeepOut
from regtui.oci.digest import Digest
from regtui.registry.address import Address
from regtui.session.registry_host import host_of

SURVEY = Survey(
    "ci@prod-1",
    "docker",
    "registry",
    version="2.8.2",
    config="/etc/docker/registry/config.yml",
    root="/var/lib/registry",
    driver="filesystem",
    used=12_000_000_000,
    free=4_000_000_000,
)
A, B = Digest("sha256:" + "a" * 64), Digest("sha256:" + "b" * 64)
FORECAST = Forecast(marked=1200, blobs={A: 5_000_000, B: 7_000_000}, seconds=3.21)
UNTAGGED = (UntaggedManifest("team/app", A), UntaggedManifest("team/app", B))


def test_the_survey_says_where_what_and_how_much_room() -> None:
    assert survey_sentences(SURVEY) == [
        "On ci@prod-1: the docker container registry, version 2.8.2.",
        "Config /etc/docker/registry/config.yml, storage /var/lib/registry (filesystem), 12 GB in blobs, 4 GB free.",
    ]


def test_what_the_host_didnt_tell_is_left_out() -> None:
    assert survey_sentences(Survey("this machine", "systemd", "docker-registry")) == [
        "On this machine: the systemd unit docker-registry."
    ]


def test_uploads_in_progress_and_disabled_deletion_are_told() -> None:
    found = Survey("here", "podman", "r", uploads=1, delete_enabled=False)
    assert survey_sentences(found)[1:] == [
        "1 upload is in progress there: somebody may be pushing.",
        "Deletion is disabled there: untagged images can't be deleted, what is unused already can be freed.",
    ]


def test_the_forecast_says_how_much_of_what() -> None:
    assert forecast_sentences(FORECAST, Choices(), SURVEY) == [
        "2 blobs can be freed, 12 MB of 12 GB; 1,200 blobs are in use."
    ]


def test_an_inexact_forecast_says_so() -> None:
    inexact = Forecast(1, {A: None, B: 7_000_000})
    assert "didn't tell the size of 1 blob: it will be more." in forecast_sentences(inexact, Choices(), SURVEY)[1]


def test_nothing_to_free_and_an_empty_storage_are_two_things() -> None:
    assert forecast_sentences(Forecast(1, {}), Choices(), SURVEY)[0].startswith(
        "Nothing can be freed: the only blob is"
    )
    assert forecast_sentences(Forecast(5, {}), Choices(), SURVEY)[0].startswith("Nothing can be freed: all 5 blobs")
    assert forecast_sentences(Forecast(0, {}, nothing="It is empty."), Choices(), SURVEY) == ["It is empty."]


def test_untagged_images_stay_unless_chosen() -> None:
    found = Forecast(1, {A: 1}, untagged=UNTAGGED)
    assert "2 untagged images in 1 repository stay" in forecast_sentences(found, Choices(), SURVEY)[-1]
    assert untagged_offer(found) == "also 2 untagged images that nothing reaches"
    holding = replace(found, held=1_200_000_000)
    told = "2 untagged images in 1 repository stay, with 1.2 GB that nothing else needs"
    assert forecast_sentences(holding, Choices(), SURVEY)[-1] == f"{told}."
    by_command = forecast_sentences(holding, Choices(), SURVEY, option="--untagged")
    assert by_command[-1] == f"{told}: --untagged deletes them, and frees that, too."
    # What would fail is not offered.
    disabled = replace(SURVEY, delete_enabled=False)
    assert forecast_sentences(holding, Choices(), disabled, option="--untagged")[-1] == f"{told}."
    assert untagged_offer(holding) == "also 2 untagged images that nothing reaches: 1.2 GB"
    chosen = Choices(untagged=True)
    assert "deleted first; until the sweep, undo can put them back" in forecast_sentences(found, chosen, SURVEY)[-1]
    assert question(found, chosen, "prod") == "Delete 2 untagged images, then collect 1 B on prod? [y/N]"
    assert question(found, Choices(), "prod") == "Collect 1 B on prod? [y/N]"


def test_what_runs_by_commands_of_its_own_is_the_registry() -> None:
    by_command = replace(SURVEY, runtime="command", unit="the registry")
    assert survey_sentences(by_command)[0] == "On ci@prod-1: the registry, version 2.8.2."


def test_a_run_that_collected_may_still_be_heard_elsewhere() -> None:
    """Checking thousands of tags takes longer than collecting."""
    ended = EarlierRun("2026-11-24T09:30:12Z", Stage.BRING_BACK, is_running=False, is_whole=True)
    (told,) = earlier_sentences(ended)
    assert told == (
        "A collection begun at 2026-11-24 09:30:12 UTC came to its end: it collected, and the registry was up again. "
        "Unless the regtui that began it is checking them now, its tags were not checked."
    )


@pytest.mark.parametrize(("name", "key"), [("prod", "prod"), ("a.example:5000", '"a.example:5000"')])
def test_the_table_to_add_is_the_registry_s_own(name: str, key: str) -> None:
    """Without quotes, a dot would begin another table."""
    with pytest.raises(HostUnknown) as caught:
        host_of(None, Address.parse("https://a.example:5000"), name, None)
    assert f'[registries.{key}.host] with ssh = "USER@HOST"' in caught.value.remedy


def test_blobs_that_only_untagged_images_use_are_in_use_and_yet_can_be_freed() -> None:
    found = Forecast(7, {}, untagged=UNTAGGED, held=5)
    told = forecast_sentences(found, Choices(), SURVEY)[0]
    assert told == "Nothing can be freed: all 7 blobs are in use, some by untagged images alone."


def test_that_untagged_images_were_not_looked_for_is_said_and_that_deleting_them_takes_long() -> None:
    unsought = Forecast(20_000, {}, unsought=True)
    assert forecast_sentences(unsought, Choices(), SURVEY) == [
        "Nothing can be freed: all 20,000 blobs are in use.",
        "Among so many images, those without a tag weren't looked for: they may keep more.",
    ]
    by_command = forecast_sentences(unsought, Choices(), SURVEY, option="--untagged")
    assert by_command[-1].endswith("they may keep more. --untagged finds and frees them.")
    assert untagged_offer(unsought) == "also untagged images, that nothing reaches: look for them"
    assert untagged_offer(Forecast(5, {})) == ""
    slow = Forecast(1, {A: 1}, untagged=UNTAGGED, deleting=560.0)
    assert forecast_sentences(slow, Choices(untagged=True), SURVEY)[-1].endswith("That takes about 9 minutes.")


def test_of_what_the_option_that_is_not_used_would_break_there_is_one_line() -> None:
    many = Forecast(1, {}, at_risk=tuple(f"team/app:{number} would lose 1 manifest" for number in range(1_205)))
    told = [line for line in forecast_sentences(many, Choices(), SURVEY) if "--delete-untagged" in line]
    assert told == ["The collector's own --delete-untagged would break multi-arch images here: regtui doesn't use it."]
    assert not [line for line in forecast_sentences(FORECAST, Choices(), SURVEY) if "--delete-untagged" in line]


def test_what_happens_to_pushes_is_said_for_each_way() -> None:
    assert {keep_out_sentence(choice) for choice in KeepOut} == {
        "The registry is stopped meanwhile; whatever happens, it is started again.",
        "The registry goes on answering pulls and refuses pushes.",
        keep_out_sentence(KeepOut.ONLINE),
        keep_out_sentence(KeepOut.STAND_IN),
    }
    assert "a read-only stand-in on its port answers pulls" in keep_out_sentence(KeepOut.STAND_IN)
    assert "for about 3.2 s" in keep_out_sentence(KeepOut.STOP, FORECAST)
    assert set(KEEP_OUT) == set(KeepOut)
    assert set(STAGES) == set(NOW) == set(Stage)


def test_at_most_twenty_repositories_and_what_the_others_free_together() -> None:
    many = Forecast(1, {}, by_repository=tuple((f"r{n}", 100 - n) for n in range(23)))
    rows = repository_rows(many)
    assert len(rows) == 21
    assert rows[-1] == ("3 more repositories", 80 + 79 + 78)


def test_the_rows_are_all_that_is_freed() -> None:
    found = Forecast(1, {A: 5_000, B: 300}, by_repository=(("team/app", 5_000),))
    assert repository_rows(found) == [("team/app", 5_000), ("in no repository any more", 300)]
    assert repository_rows(replace(found, blobs={A: 5_000})) == [("team/app", 5_000)]
    # Where none is known there is nothing to be told apart.
    assert repository_rows(Forecast(1, {A: 5})) == []


REPORT = CollectionReport(
    "ci@prod-1",
    (),
    blobs=2,
    freed=12_000_000,
    predicted=12_000_000,
    seconds=75,
    is_up=True,
    verified=TagsVerified(9, 9),
)


def test_the_report_says_what_was_freed_that_it_answers_and_what_was_checked() -> None:
    assert report_sentences(REPORT) == [
        "12 MB freed in 2 blobs on ci@prod-1, in 1 min 15 s.",
        "The registry answers again.",
        "9 tags checked: all of them have all their blobs.",
    ]


def test_a_report_hides_nothing() -> None:
    report = CollectionReport(
        "prod",
        (),
        blobs=1,
        freed=5,
        predicted=7,
        seconds=1,
        is_up=False,
        verified=TagsVerified(2000, 5000, ("team/app:1.0 (sha256:aa…)",)),
        empty_repositories=("old/app",),
        trouble=("Start it by hand.",),
    )
    text = "\n".join(report_sentences(report))
    assert "The dry run had said 7 B." in text
    assert "THE REGISTRY DOESN'T ANSWER." in text
    assert "2,000 of 5,000 tags checked, and 1 MISS SOMETHING: team/app:1.0" in text
    assert "Start it by hand." in text
    assert "1 repository is empty and still listed: its directory can be removed." in text
    assert report_sentences(CollectionReport("prod", ()))[0] == "Nothing was freed on prod."
    assert report_sentences(CollectionReport("prod", (), freed=0))[0] == "Nothing was freed on prod."


def test_an_earlier_run_is_told_with_where_it_is() -> None:
    run = EarlierRun("2026-11-23T12:00:00Z", Stage.COLLECT, is_running=True)
    assert earlier_sentences(run) == ["A collection begun at 2026-11-23 12:00:00 UTC is still going on, at: collect."]
    ended = EarlierRun("2026-11-23T12:00:00Z", Stage.BRING_BACK, is_running=False)
    assert "ended without regtui hearing" in earlier_sentences(ended)[0]
    assert "came to its end" in earlier_sentences(replace(ended, is_whole=True))[0]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (59.4, "59 s"), (60, "1 min"), (200, "3 min 20 s"), (3900, "1 h 5 min")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize("name", ["prod", "registry.example.com:5000", 'a"b'])
def test_the_example_for_the_config_file_is_valid_toml_under_the_registrys_own_name(name: str) -> None:
    _, lines = not_configured(name, "registry.example.com:5000", is_profile=False)
    entry = tomllib.loads(lines)["registries"][name]
    assert entry["address"] == "registry.example.com:5000"
    assert entry["host"]["ssh"] == "USER@HOST"
    # The other usual cases are there, to be uncommented.
    uncommented = lines.replace("sudo = false", "").replace('runtime = "docker"', "#").replace('container = "reg', "# ")
    service, _, command = uncommented.partition("# Or,")
    service = service.replace("# runtime", "runtime").replace("# container", "container")
    assert tomllib.loads(service)["registries"][name]["host"]["runtime"] == "systemd"
    command = "[host]\n#" + command.replace("\n# ", "\n")
    assert sorted(tomllib.loads(command)["host"]) == ["command", "config", "runtime", "start", "stop"]
    _, lines = not_configured(name, "registry.example.com:5000", is_profile=True)
    assert "address" not in tomllib.loads(lines)["registries"][name]


def test_a_course_gathers_events() -> None:
    course = Course()
    course.feed(Event(Stage.UNTAGGED, StageStatus.SKIPPED))
    course.feed(Event(Stage.KEEP_OUT, StageStatus.STARTED))
    assert course.current is Stage.KEEP_OUT
    course.feed(Event(Stage.KEEP_OUT, StageStatus.DONE, seconds=2))
    course.feed(Event(Stage.COLLECT, StageStatus.STARTED))
    course.feed(Event(Stage.COLLECT, text="blob eligible", blobs=3, bytes=70))
    assert [(step.stage, step.status) for step in course.steps] == [
        (Stage.UNTAGGED, StageStatus.SKIPPED),
        (Stage.KEEP_OUT, StageStatus.DONE),
        (Stage.COLLECT, StageStatus.STARTED),
        (Stage.BRING_BACK, None),
        (Stage.VERIFY, None),
    ]
    assert (course.blobs, course.bytes, list(course.log)) == (3, 70, ["blob eligible"])
