import os
from pathlib import Path

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from cc_ci.engine.node import Node
from cc_ci.errors import StageFailed
from cc_ci.lab.certificates import certify, lab_authority, uncertify
from cc_ci.lab.hosts import host_name
from cc_ci.lab.names import lead

STRANGE = (
    "",
    ".",
    "..",
    "a..b",
    ".ci.test",
    "ci.test.",
    "../../../etc/cron.d/job",
    "/etc/passwd",
    "a/b.ci.test",
    "*.ci.test",
    "a b.ci.test",
    "a\n.ci.test",
    "a\0.ci.test",
    "bücher.ci.test",
    "-a.ci.test",
    "a-.ci.test",
    f"{'a' * 64}.ci.test",
    ".".join(["a" * 60] * 5),
)


@pytest.mark.parametrize("text", STRANGE)
def test_what_is_no_host_s_name_is_the_recipe_s_fault_and_said_in_one_line(text: str) -> None:
    with pytest.raises(StageFailed, match="not a host's name") as failed:
        host_name(text)
    assert "\n" not in str(failed.value)


@pytest.mark.parametrize("text", ["app.ci.test", "APP.ci.test", "a", "xy.a-1.ci.test", f"{'a' * 63}.test"])
def test_a_host_s_name_is_taken_in_small_letters(text: str) -> None:
    assert host_name(text) == text.lower()


@given(st.text())
def test_a_name_that_is_taken_stays_one_part_of_a_path(text: str) -> None:
    try:
        host = host_name(text)
    except StageFailed:
        return
    assert Path("/folder", host).parent == Path(os.path.normpath(f"/folder/{host}")).parent == Path("/folder")


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Node:
    monkeypatch.setenv("CC_CI_STATE", str(tmp_path / "state"))
    lab_authority().create()
    for name in ("certificates", "names"):
        (tmp_path / "proxy" / name).mkdir(parents=True)
    return Node(
        name="n",
        kind="private",
        docker_host="unix:///s",
        address="10.1.0.129",
        ci_domain="ci.test",
        ipvs=True,
        certificates=tmp_path / "proxy/certificates",
        names=tmp_path / "proxy/names",
    )


@pytest.mark.attack(
    what="A router's rule has a path where a host belongs: Host(`../../../x`).",
    before="Files outside the certificates' folder were written, and then deleted at the teardown.",
    now="The name is refused before it becomes part of a path; the stage fails and names the host.",
    layer="input",
)
def test_a_rule_writes_and_deletes_no_file_outside(node: Node, tmp_path: Path) -> None:
    kept = tmp_path / "x.pem"
    kept.write_text("somebody's")
    before = sorted(tmp_path.rglob("*"))
    for act in (certify, uncertify, lead):
        with pytest.raises(StageFailed, match="not a host's name"):
            act(node, "../../x")
    assert sorted(tmp_path.rglob("*")) == before
    assert kept.read_text() == "somebody's"


@pytest.mark.attack(
    what="A router's rule has a host with the longest permitted name.",
    before="A file of that name could not be made, and cc-ci reported its own error.",
    now="It gets its certificate.",
    layer="input",
)
def test_the_longest_name_gets_a_certificate_too(node: Node) -> None:
    host = ".".join(["a" * 60, "b" * 60, "c" * 60, "d" * 61, "ci.test"])
    certify(node, host)
    assert node.certificates is not None
    assert len(list(node.certificates.iterdir())) == 3
    uncertify(node, host)
    assert list(node.certificates.iterdir()) == []


def test_all_names_below_a_host_may_have_one(node: Node) -> None:
    certify(node, "*.app.ci.test")
    assert node.certificates is not None
    (chain,) = node.certificates.glob("*.pem")
    shown = x509.load_pem_x509_certificate(chain.read_bytes())
    names = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["*.app.ci.test"]
