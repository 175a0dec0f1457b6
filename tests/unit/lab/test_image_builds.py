from pathlib import Path

import pytest

from cc_ci.lab import base, builds, images
from cc_ci.system.process import ScriptedRunner
from cc_ci.testkit.contracts import Configuration, broken_configuration, read_contract

TARGETS = (
    "bookworm-security main http://mirror.test/debian-security/\n"
    "bookworm contrib http://mirror.test/contrib/\n"
    "bookworm main http://mirror.test/debian/\n"
)


def os_release(folder: Path, *, distribution: str) -> Path:
    path = folder / "os-release"
    path.write_text(f'NAME="A name"\nID={distribution}\nVERSION_CODENAME=bookworm\n')
    return path


def test_the_mirror_is_the_one_that_this_machines_apt_uses(tmp_path: Path) -> None:
    runner = ScriptedRunner().on("apt-get", "indextargets", stdout=TARGETS)
    release = os_release(tmp_path, distribution="debian")
    assert base.debian_mirror(runner, os_release=release) == "http://mirror.test/debian/"


def test_another_distributions_mirror_is_not_taken_for_debians(tmp_path: Path) -> None:
    release = os_release(tmp_path, distribution="ubuntu")
    assert base.debian_mirror(ScriptedRunner(), os_release=release) is None


def test_a_build_gets_no_network_and_its_labels_say_that_it_is_a_stand_in() -> None:
    image = images.read_images()[0]
    argv = builds.build_argv(image, definition="abc", contents="thing 1", context=Path("/context"))
    assert argv[0] == "build"
    assert argv[-1] == "/context"
    assert "--network=none" in argv
    labels = [argv[place + 1] for place, word in enumerate(argv) if word == "--label"]
    assert {"cc-ci.stand-in=true", "cc-ci.stand-in.contents=thing 1"} < set(labels)
    assert any("not the official image" in label for label in labels)


@pytest.mark.parametrize("image", images.read_images(), ids=lambda image: image.short)
def test_each_stand_in_has_a_contract_for_its_tag(image: images.StandIn) -> None:
    contract = read_contract(image.folder, tag=image.name.tag)
    assert contract.not_kept
    assert any(image.name.tag in check.prints for check in contract.checks)


KEPT = Configuration(
    user="",
    working_dir="",
    entrypoint=("/entry",),
    cmd=("serve",),
    stop_signal="SIGQUIT",
    ports=("80/tcp",),
    volumes=(),
    environment={"VERSION": "1"},
)
INSPECTED = {
    "User": "",
    "Entrypoint": ["/entry"],
    "Cmd": ["serve"],
    "StopSignal": "SIGQUIT",
    "ExposedPorts": {"80/tcp": {}},
    "Env": ["PATH=/bin", "VERSION=1"],
}


def test_a_kept_contract_has_no_differences() -> None:
    assert broken_configuration(KEPT, INSPECTED) == ()


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("User", "nobody", "user: 'nobody', not ''"),
        ("StopSignal", None, "stop_signal: '', not 'SIGQUIT'"),
        ("ExposedPorts", {"81/tcp": {}}, "ports: ('81/tcp',), not ('80/tcp',)"),
        ("Env", ["VERSION=2"], "environment: {'VERSION': '2'}, not {'VERSION': '1'}"),
        ("Entrypoint", None, "entrypoint: (), not ('/entry',)"),
    ],
)
def test_each_difference_is_named(key: str, value: object, said: str) -> None:
    assert broken_configuration(KEPT, {**INSPECTED, key: value}) == (said,)
