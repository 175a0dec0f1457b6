import pytest

from cc_ci.engine.pulling import pull_report, refusal
from cc_ci.engine.state import Image
from cc_ci.errors import InfrastructureError, StageFailed

IMAGE = Image(
    id="sha256:i", tags=("a:1",), digests=("a@sha256:old",), diff_ids=("sha256:x", "sha256:y"), size_bytes=9
)


def test_layers_present_extracted_and_bytes_are_told_apart() -> None:
    messages = [
        {"status": "Already exists", "id": "x"},
        {"status": "Pulling fs layer", "id": "y"},
        {"status": "Downloading", "id": "y", "progressDetail": {"current": 4, "total": 70}},
        {"status": "Downloading", "id": "y", "progressDetail": {"current": 70, "total": 70}},
        {"status": "Pull complete", "id": "y"},
        {"status": "Digest: sha256:new"},
    ]
    report = pull_report("a:1", messages, IMAGE)
    assert (report.layers, report.layers_present, report.layers_extracted) == (("x", "y"), 1, 1)
    assert (report.bytes_pulled, report.digest) == (70, "sha256:new")


def test_an_image_that_is_up_to_date_had_all_its_layers() -> None:
    report = pull_report("a:1", [{"status": "Status: Image is up to date for a:1"}], IMAGE)
    assert (report.layers_present, report.layers_extracted, report.bytes_pulled) == (2, 0, 0)


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("manifest for a:1 not found: manifest unknown", StageFailed),
        ("Get https://r/v2/: dial tcp: connect: connection refused", InfrastructureError),
        ("toomanyrequests: You have reached your pull rate limit", InfrastructureError),
    ],
)
def test_a_wrong_name_is_the_recipes_fault_and_the_rest_is_not(said: str, fault: type[Exception]) -> None:
    assert type(refusal("a:1", said, stand_ins=False)) is fault


def test_where_only_stand_ins_are_an_unknown_image_is_nobodys_mistake() -> None:
    error = refusal("a:1", "manifest unknown", stand_ins=True)
    assert type(error) is InfrastructureError
    assert "`cc-ci images load FILE`" in str(error)
