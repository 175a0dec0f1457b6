import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cc_ci.cli.images import images as command
from cc_ci.errors import UsageError
from cc_ci.lab import images
from cc_ci.system.units import EpochSeconds


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CC_CI_STATE", str(tmp_path))
    return tmp_path


def serve(image: images.StandIn, *, definition: str) -> None:
    record = images.ImageRecord(
        reference=str(image.name),
        definition=definition,
        digest="sha256:1",
        size_bytes=92_000_000,
        contents="nginx 1-1",
        seconds=1.0,
        made_at=EpochSeconds(0.0),
    )
    images.write_record(record)
    tags = images.storage(image.name.upstream) / "docker/registry/v2/repositories" / image.name.path
    link = tags / "_manifests/tags" / image.name.tag / "current/link"
    link.parent.mkdir(parents=True)
    link.write_text("sha256:1")


def test_a_fresh_machine_has_none_of_the_images_and_the_list_says_what_they_are_for() -> None:
    result = CliRunner().invoke(command, ["list", "--json"])
    rows = {row["name"]: row for row in json.loads(result.stdout)["images"]}
    assert rows["docker.io/library/nginx:1.22.1"]["status"] == "missing"
    assert rows["docker.io/library/nginx:1.22.1"]["size_bytes"] is None
    assert "Debian" in rows["docker.io/library/nginx:1.22.1"]["contents"]


def test_the_list_gives_size_and_contents_of_what_is_there() -> None:
    (image,) = images.select(images.read_images(), ["nginx:1.22.1"])
    serve(image, definition=images.definition_hash(image))
    result = CliRunner().invoke(command, ["list"])
    assert ["docker.io/library/nginx:1.22.1", "built", "92", "MB", "92", "MB", "1", "s", "nginx", "1-1"] in [
        line.split() for line in result.stdout.splitlines()
    ]


def test_what_is_up_to_date_or_was_loaded_needs_no_engine() -> None:
    first, second = images.select(images.read_images(), [])
    serve(first, definition=images.definition_hash(first))
    serve(second, definition=images.LOADED)
    result = CliRunner().invoke(command, ["build"])
    assert result.exit_code == 0
    assert result.stderr.splitlines() == [f"{first.short}: up to date", f"{second.short}: up to date"]


def test_a_layer_s_own_weight_is_told_apart_from_what_it_shares() -> None:
    (postgres,) = images.select(images.read_images(), ["postgres"])
    for image in postgres.lineage:
        serve(image, definition=images.definition_hash(image))
    told = json.loads(CliRunner().invoke(command, ["list", "--json"]).stdout)
    rows = {row["name"]: row for row in told["images"]}
    assert rows[str(postgres.name)]["size_bytes"] == 92_000_000
    assert rows[str(postgres.name)]["own_bytes"] == 0


def test_all_and_names_do_not_go_together() -> None:
    result = CliRunner().invoke(command, ["build", "--all", "nginx"])
    assert result.exit_code == 2
    assert "not both" in result.stderr


def test_an_unknown_image_is_the_callers_mistake() -> None:
    result = CliRunner().invoke(command, ["build", "nope"])
    assert isinstance(result.exception, UsageError)
