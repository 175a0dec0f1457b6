"""Stand-in images, built by a real engine; the registry's own copies are held against their contracts."""

import hashlib
import io
import json
import os
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cc_ci.errors import CommandFailed
from cc_ci.lab import builds, images
from cc_ci.lab.images import StandIn
from cc_ci.lab.push import local_reference, writable_registry
from cc_ci.lab.workshop import Builder, workshop
from cc_ci.system.clock import SystemClock
from cc_ci.system.process import LocalRunner, check
from cc_ci.testkit import contracts

pytestmark = pytest.mark.integration

LIGHT = ("nginx", "busybox", "debian", "postgres")
ALL = images.read_images()
STAND_INS = ALL if os.environ.get("CC_CI_HEAVY") else images.select(ALL, LIGHT)
"""`make test-heavy` holds all of them against their contracts."""
CLIENTS = [path for path in ("/usr/bin/docker", "/usr/local/bin/docker") if Path(path).exists()]
UPSTREAM = "images.test"
"""An upstream name that nothing but these tests uses."""


@pytest.fixture(scope="module")
def builder() -> Iterator[Builder]:
    with workshop(runner=LocalRunner(), clock=SystemClock(), say=print) as builder:
        yield builder


@pytest.fixture(scope="module")
def served(builder: Builder) -> Iterator[Builder]:
    """A builder that has the registry's copies of all stand-ins, built if they were not there."""
    builds.build(builds.outdated(STAND_INS), builder=builder)
    with writable_registry("docker.io", builder=builder):
        for image in STAND_INS:
            check(builder.docker("pull", local_reference(image.name)))
    yield builder
    builder.docker("image", "rm", *(local_reference(image.name) for image in STAND_INS))


@pytest.fixture
def only_here(served: Builder) -> Iterator[None]:
    yield
    served.docker("image", "rm", "own:1.0")
    shutil.rmtree(images.storage(UPSTREAM), ignore_errors=True)
    for record in images.loaded(images.read_images()):
        if record.reference.startswith(UPSTREAM):
            images.record_path(images.split(record.reference)).unlink()


def clauses() -> Iterator[Any]:
    for image in STAND_INS:
        for clause in contracts.read_contract(image.folder, tag=image.name.tag).checks:
            yield pytest.param(image, clause, id=f"{image.short}: {clause.what}")


@pytest.mark.parametrize("image", STAND_INS, ids=lambda image: image.short)
def test_the_configuration_is_upstreams(served: Builder, image: StandIn) -> None:
    contract = contracts.read_contract(image.folder, tag=image.name.tag)
    inspected = contracts.inspect(local_reference(image.name), builder=served)
    assert contracts.broken_configuration(contract.image, inspected) == ()


@pytest.mark.parametrize(("image", "clause"), list(clauses()))
def test_each_clause_of_the_contract_holds(
    served: Builder, image: StandIn, clause: contracts.CheckContract
) -> None:
    assert contracts.broken_check(clause, local_reference(image.name), builder=served) is None


TOOLS = {"busybox", "debian", "restic", "node", "java", "python", "keycloak", "synapse"}
"""Images that start no service of their own, or none without a command."""


@pytest.mark.parametrize("image", STAND_INS, ids=lambda image: image.short)
def test_services_answer_and_end_as_declared(served: Builder, image: StandIn) -> None:
    service = contracts.read_contract(image.folder, tag=image.name.tag).service
    assert (service is None) == (image.short_name in TOOLS)
    if service:
        assert contracts.broken_service(service, local_reference(image.name), builder=served) is None


@pytest.mark.parametrize("image", STAND_INS, ids=lambda image: image.short)
def test_an_image_says_that_it_is_a_stand_in_and_what_is_inside(served: Builder, image: StandIn) -> None:
    labels = contracts.inspect(local_reference(image.name), builder=served)["Labels"]
    assert labels["cc-ci.stand-in"] == "true"
    assert f"Debian {image.suite}" in labels["cc-ci.stand-in.contents"]
    assert labels["cc-ci.stand-in.definition"] == images.definition_hash(image)


def test_an_image_knows_neither_the_mirror_nor_this_machine(served: Builder) -> None:
    for image in STAND_INS:
        container = check(served.docker("create", local_reference(image.name))).stdout.strip()
        changed = check(served.docker("diff", container)).stdout
        assert changed == ""
        found = served.docker("cp", f"{container}:/etc/apt/sources.list", "-")
        assert not found.ok, image.short
        check(served.docker("rm", container))


def test_what_is_up_to_date_is_not_built_again(served: Builder) -> None:
    assert builds.outdated(STAND_INS) == ()


def own_image(folder: Path, *, dockerfile: str) -> StandIn:
    folder.mkdir()
    (folder / "Dockerfile").write_text(dockerfile)
    return StandIn(
        short_name="own",
        name=images.ImageName(upstream=UPSTREAM, path="own/thing", tag="1.0"),
        summary="a thing",
        root="packages",
        demo=False,
        suite="bookworm",
        packages=(),
        folder=folder,
    )


@pytest.mark.parametrize("client", CLIENTS)
def test_either_docker_client_builds_and_pushes(
    served: Builder, only_here: None, tmp_path: Path, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "docker").symlink_to(client)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/sbin:/usr/bin:/sbin:/bin")
    image = own_image(tmp_path / "own", dockerfile="FROM scratch\nCOPY Dockerfile /\n")
    assert images.status(image) == "missing"
    (record,) = builds.build([image], builder=served)
    assert images.status(image) == "built"
    assert record.digest == images.digest_in_registry(image.name)
    (tmp_path / "own/Dockerfile").write_text("FROM scratch\n")
    assert images.status(image) == "outdated"


def test_a_build_that_fails_says_so_in_one_line_and_leaves_no_registry(
    served: Builder, only_here: None, tmp_path: Path
) -> None:
    image = own_image(tmp_path / "own", dockerfile="FROM scratch\nCOPY nothing /\n")
    with pytest.raises(CommandFailed, match=r"^docker build own:1\.0: exit 1: .*nothing"):
        builds.build([image], builder=served)
    assert images.status(image) == "missing"
    # the port is free again: another one starts at once
    with writable_registry(UPSTREAM, builder=served):
        pass


def test_a_registry_that_a_killed_command_left_is_not_pushed_to(
    served: Builder, only_here: None, tmp_path: Path
) -> None:
    left_behind = writable_registry("left.test", builder=served)
    left_behind.__enter__()
    image = own_image(tmp_path / "own", dockerfile="FROM scratch\nCOPY Dockerfile /\n")
    builds.build([image], builder=served)
    assert images.status(image) == "built"
    assert not list(images.storage("left.test").iterdir())
    images.storage("left.test").rmdir()


def test_a_saved_image_is_loaded_under_its_own_name(served: Builder, only_here: None, tmp_path: Path) -> None:
    name = f"{UPSTREAM}/loaded/busybox:1"
    check(served.docker("tag", local_reference(STAND_INS[-1].name), name))
    check(served.docker("save", "--output", str(tmp_path / "saved.tar"), name))
    check(served.docker("image", "rm", name))
    (record,) = builds.load(tmp_path / "saved.tar", builder=served)
    assert record.reference == name
    assert record.digest == images.digest_in_registry(images.split(name))
    assert record in images.loaded(images.read_images())


def test_an_oci_archive_is_loaded_and_runs(served: Builder, only_here: None, tmp_path: Path) -> None:
    name = f"{UPSTREAM}/oci/busybox:1"
    busybox = images.select(ALL, ["busybox"])[-1]
    check(served.docker("save", "--output", str(tmp_path / "saved.tar"), local_reference(busybox.name)))
    archive = as_oci(tmp_path / "saved.tar", tmp_path / "oci.tar", name=name)
    (record,) = builds.load(archive, builder=served)
    assert record.reference == name
    assert check(served.docker("run", "--rm", "--network=none", name, "echo", "hello")).stdout == "hello\n"


def as_oci(saved: Path, target: Path, *, name: str) -> Path:
    """Write a `docker save` archive anew as an OCI one, which older engines can't write."""
    blobs: dict[str, bytes] = {}

    def keep(content: bytes) -> dict[str, Any]:
        digest = hashlib.sha256(content).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = content
        return {"digest": f"sha256:{digest}", "size": len(content)}

    with tarfile.open(saved) as tar:
        (entry,) = json.loads(content_of(tar, "manifest.json"))
        manifest = {
            "config": keep(content_of(tar, entry["Config"])),
            "layers": [keep(content_of(tar, layer)) for layer in entry["Layers"]],
        }
    annotations = {"org.opencontainers.image.ref.name": name}
    index = {"manifests": [{**keep(json.dumps(manifest).encode()), "annotations": annotations}]}
    with tarfile.open(target, "w") as tar:
        for path, content in {"index.json": json.dumps(index).encode(), **blobs}.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return target


def content_of(tar: tarfile.TarFile, path: str) -> bytes:
    stream = tar.extractfile(path)
    assert stream is not None
    return stream.read()


def layer_on(parent: StandIn, folder: Path, *, fetch: str) -> StandIn:
    folder.mkdir()
    (folder / "Dockerfile").write_text("ARG PARENT\nFROM $PARENT\nADD rootfs.tar /\n")
    (folder / "fetch.sh").write_text(f"#!/bin/sh\nset -e\n{fetch}\n")
    (folder / "fetch.sh").chmod(0o755)
    return StandIn(
        short_name="own",
        name=images.ImageName(upstream=UPSTREAM, path="own/thing", tag="1.0"),
        summary="a thing",
        root="layer",
        demo=False,
        suite=parent.suite,
        packages=("netcat-openbsd",),
        build_packages=("busybox-static",),
        parent=parent,
        folder=folder,
    )


@pytest.fixture
def settings_with_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """This machine's settings of package clients, as far as the chroot may see them."""
    (tmp_path / ".npmrc").write_text("//registry.invalid/:_authToken=machines-own-token\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    return "machines-own-token"


def test_a_layer_shares_what_is_below_it_and_holds_what_was_fetched(
    served: Builder, only_here: None, tmp_path: Path, settings_with_a_secret: str
) -> None:
    (debian,) = images.select(ALL, ["debian"])
    fetch = (
        "busybox echo $VERSION >/fetched; grep -c authToken ~/.npmrc >>/fetched; rm -f /etc/debian_version"
    )
    image = layer_on(debian, tmp_path / "own", fetch=fetch)
    builds.build([image], builder=served)
    below, whole = (_layers(served, one.short) for one in (debian, image))
    assert whole[: len(below)] == below
    assert len(whole) == len(below) + 1
    assert check(served.docker("run", "--rm", "own:1.0", "cat", "/fetched")).stdout == "1.0\n1\n"
    tools = served.docker(
        "run", "--rm", "own:1.0", "sh", "-c", "command -v nc; command -v busybox; ls /stand-in"
    )
    assert tools.stdout == "/usr/bin/nc\n"
    archive = tmp_path / "own.tar"
    check(served.docker("save", "--output", str(archive), "own:1.0"))
    content = archive.read_bytes()
    assert settings_with_a_secret.encode() not in content


def test_a_fetch_that_fails_leaves_no_container_and_no_mount(
    served: Builder, only_here: None, tmp_path: Path
) -> None:
    (debian,) = images.select(ALL, ["debian"])
    image = layer_on(debian, tmp_path / "own", fetch="echo no such release >&2; exit 7")
    with pytest.raises(CommandFailed, match=r"^own:1\.0: fetch\.sh: exit 7: .*no such release"):
        builds.build([image], builder=served)
    assert images.status(image) == "missing"
    assert check(served.docker("ps", "--all", "--quiet")).stdout == ""
    assert str(served.scratch) not in Path("/proc/self/mounts").read_text()


def _layers(builder: Builder, image: str) -> list[str]:
    argv = ("image", "inspect", "--format={{json .RootFS.Layers}}", image)
    layers: list[str] = json.loads(check(builder.docker(*argv)).stdout)
    return layers
