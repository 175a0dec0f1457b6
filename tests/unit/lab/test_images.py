from pathlib import Path

import msgspec
import pytest

from cc_ci.errors import InfrastructureError, UsageError
from cc_ci.lab import images
from cc_ci.lab.images import ImageName, ImageRecord, StandIn
from cc_ci.system.units import EpochSeconds

IMAGE_TOML = """
repository = "docker.io/library/thing"
summary = "a thing"
root = "system"

[versions."1.0"]
suite = "old"
packages = ["thing"]

[versions."2.0"]
suite = "new"
packages = ["thing"]
"""


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    folder = tmp_path / "images" / "thing"
    folder.mkdir(parents=True)
    (folder / "image.toml").write_text(IMAGE_TOML)
    (folder / "Dockerfile").write_text("FROM scratch\n")
    return tmp_path / "images"


def first(lab: Path) -> StandIn:
    return images.read_images(lab)[0]


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("nginx:1.22.1", ImageName(upstream="docker.io", path="library/nginx", tag="1.22.1")),
        ("docker.io/library/nginx:1", ImageName(upstream="docker.io", path="library/nginx", tag="1")),
        ("index.docker.io/a/b:1", ImageName(upstream="docker.io", path="a/b", tag="1")),
        ("a/b:1", ImageName(upstream="docker.io", path="a/b", tag="1")),
        ("ghcr.io/a/b/c:v1", ImageName(upstream="ghcr.io", path="a/b/c", tag="v1")),
        ("localhost:5000/a:1", ImageName(upstream="localhost:5000", path="a", tag="1")),
    ],
)
def test_references_are_taken_apart_as_docker_does(reference: str, name: ImageName) -> None:
    assert images.split(reference) == name


@pytest.mark.parametrize("reference", ["nginx", "ghcr.io/a/b", "localhost:5000/a", "nginx@sha256:abc"])
def test_a_reference_without_a_tag_is_refused(reference: str) -> None:
    with pytest.raises(UsageError, match="not an image name with a tag"):
        images.split(reference)


def test_each_version_of_a_definition_is_an_image(lab: Path) -> None:
    assert [str(image.name) for image in images.read_images(lab)] == [
        "docker.io/library/thing:1.0",
        "docker.io/library/thing:2.0",
    ]


def test_a_definition_with_an_unknown_key_names_its_file(lab: Path) -> None:
    (lab / "thing/image.toml").write_text(IMAGE_TOML.replace("summary", "sumary"))
    with pytest.raises(InfrastructureError, match=r"thing/image\.toml: .*sumary"):
        images.read_images(lab)


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["thing"], ["thing:1.0", "thing:2.0"]),
        (["thing:2.0"], ["thing:2.0"]),
        (["docker.io/library/thing:1.0", "thing"], ["thing:1.0", "thing:2.0"]),
        ([], []),
    ],
)
def test_images_are_chosen_by_any_of_their_names(lab: Path, names: list[str], chosen: list[str]) -> None:
    assert [image.short for image in images.select(images.read_images(lab), names)] == chosen


def test_without_names_the_demos_images_are_meant() -> None:
    chosen = images.select(images.read_images(), [])
    assert [image.short for image in chosen] == ["nginx:1.22.1", "nginx:1.26.3"]


def test_an_unknown_name_says_which_there_are(lab: Path) -> None:
    with pytest.raises(UsageError, match=r"nope: no such stand-in image; there are thing:1\.0, thing:2\.0"):
        images.select(images.read_images(lab), ["nope"])


@pytest.mark.parametrize("change", ["Dockerfile", "new file", "mode"])
def test_the_hash_follows_what_goes_into_the_image(lab: Path, change: str) -> None:
    before = images.definition_hash(first(lab))
    if change == "mode":
        (lab / "thing/Dockerfile").chmod(0o755)
    else:
        (lab / "thing" / change).write_text("changed")
    assert images.definition_hash(first(lab)) != before


def test_the_hash_differs_by_version_and_not_by_contract_or_summary(lab: Path) -> None:
    one, two = images.read_images(lab)
    before = images.definition_hash(one)
    assert before != images.definition_hash(two)
    (lab / "thing/contract.toml").write_text("not_kept = []")
    (lab / "thing/image.toml").write_text(IMAGE_TOML.replace("a thing", "the thing"))
    assert images.definition_hash(first(lab)) == before


def record(image: StandIn, *, definition: str, digest: str = "sha256:1") -> ImageRecord:
    return ImageRecord(
        reference=str(image.name),
        definition=definition,
        digest=digest,
        size_bytes=1,
        contents="thing 1",
        seconds=1.0,
        made_at=EpochSeconds(0.0),
    )


def serve(image: StandIn, digest: str, *, state: Path) -> None:
    tags = images.storage(image.name.upstream, state=state) / "docker/registry/v2/repositories"
    link = tags / image.name.path / "_manifests/tags" / image.name.tag / "current/link"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.write_text(digest)


def test_an_image_is_missing_until_the_registry_has_what_was_recorded(lab: Path, tmp_path: Path) -> None:
    image = first(lab)
    assert images.status(image, state=tmp_path) == "missing"
    images.write_record(record(image, definition=images.definition_hash(image)), state=tmp_path)
    assert images.status(image, state=tmp_path) == "missing"
    serve(image, "sha256:1", state=tmp_path)
    assert images.status(image, state=tmp_path) == "built"
    serve(image, "sha256:2", state=tmp_path)
    assert images.status(image, state=tmp_path) == "missing"


@pytest.mark.parametrize(("definition", "status"), [("other", "outdated"), (images.LOADED, "loaded")])
def test_what_was_defined_otherwise_is_outdated_and_what_was_loaded_is_kept(
    lab: Path, tmp_path: Path, definition: str, status: str
) -> None:
    image = first(lab)
    images.write_record(record(image, definition=definition), state=tmp_path)
    serve(image, "sha256:1", state=tmp_path)
    assert images.status(image, state=tmp_path) == status


def test_images_loaded_under_names_of_their_own_are_listed_apart(lab: Path, tmp_path: Path) -> None:
    image = first(lab)
    foreign = msgspec.structs.replace(record(image, definition=images.LOADED), reference="ghcr.io/a/b:1")
    images.write_record(record(image, definition=images.LOADED), state=tmp_path)
    images.write_record(foreign, state=tmp_path)
    assert images.loaded([image], state=tmp_path) == (foreign,)


def test_the_origin_of_images_is_loaded_only_when_all_are(lab: Path, tmp_path: Path) -> None:
    image = first(lab)
    images.write_record(record(image, definition=images.LOADED), state=tmp_path)
    reference = record(image, definition="").reference
    assert images.origin([reference], state=tmp_path) == "loaded"
    assert images.origin([reference, "never-heard-of@sha256:0"], state=tmp_path) == "stand-in"
    assert images.origin([], state=tmp_path) == "stand-in"


LAYERED = """
repository = "docker.io/own/app"
summary = "an app"
root = "layer"

[versions."3"]
parent = "thing:2.0"
build_packages = ["tool"]
"""


def layered(lab: Path, text: str = LAYERED) -> Path:
    folder = lab / "app"
    folder.mkdir()
    (folder / "image.toml").write_text(text)
    (folder / "Dockerfile").write_text("ARG PARENT\nFROM $PARENT\n")
    return folder


def test_a_layer_has_the_suite_of_its_parent_and_comes_after_it(lab: Path) -> None:
    layered(lab)
    (app,) = images.select(images.read_images(lab), ["app"])
    assert (app.suite, app.packages, app.build_packages) == ("new", (), ("tool",))
    assert [one.short for one in app.lineage] == ["thing:2.0", "app:3"]


def test_another_parent_makes_another_layer(lab: Path) -> None:
    layered(lab)
    before = images.definition_hash(images.select(images.read_images(lab), ["app"])[0])
    (lab / "thing" / "Dockerfile").write_text("FROM scratch\nCMD sh\n")
    assert images.definition_hash(images.select(images.read_images(lab), ["app"])[0]) != before


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("thing:2.0", "thing:9", "parent: thing:9: no such stand-in"),
        ("thing:2.0", "app:3", "parent: app:3: its own parent"),
        (
            'parent = "thing:2.0"',
            'parent = "thing:2.0"\nsuite = "new"',
            "a suite or a parent, one of the two",
        ),
        ('parent = "thing:2.0"\n', "", "a suite or a parent, one of the two"),
        ('"layer"', '"system"', 'a parent goes with root = "layer"'),
    ],
)
def test_a_layer_without_one_right_parent_is_refused(lab: Path, old: str, new: str, said: str) -> None:
    layered(lab, LAYERED.replace(old, new))
    with pytest.raises(InfrastructureError, match=said):
        images.read_images(lab)
