import itertools
import sys
from pathlib import Path

from cc_ci.suite.sandbox import Sandbox, python_folders

ROOTED = Sandbox(
    scratch=Path("/run/cc-ci/suite-1"),
    evidence=Path("/var/lib/cc-ci/runs/1/evidence"),
    uid=1_900_000_007,
    network_namespace=Path("/run/netns/lab"),
    reach=("10.1.0.130",),
)
ROOTLESS = Sandbox(scratch=Path("/s"), evidence=None, uid=None, network_namespace=Path("/run/netns/lab"))


def pairs(argv: tuple[str, ...], option: str) -> list[tuple[str, str]]:
    return [(one, two) for name, one, two in zip(argv, argv[1:], argv[2:], strict=False) if name == option]


def test_the_chain_enters_the_network_then_walls_in_then_drops() -> None:
    argv = ROOTED.argv(["python", "-c", "pass"])
    order = [argv.index(tool) for tool in ("env", "unshare", "bwrap", "setpriv", "prlimit", "python")]
    assert order == sorted(order)
    assert {"/run/netns/lab", "10.1.0.130"} <= set(argv)
    assert {"--unshare-pid", "--unshare-ipc", "--die-with-parent", "--new-session", "--clearenv"} <= set(argv)
    assert {"--reuid=1900000007", "--regid=1900000007", "--clear-groups", "--no-new-privs"} <= set(argv)
    assert {"--bounding-set=-all", "--inh-caps=-all"} <= set(argv)


def test_only_the_evidence_can_be_written() -> None:
    assert pairs(ROOTED.argv(["x"]), "--bind") == [("/var/lib/cc-ci/runs/1/evidence", "/evidence")]
    assert pairs(ROOTLESS.argv(["x"]), "--bind") == []


def test_what_is_shown_of_the_machine_is_a_closed_list() -> None:
    shown = {target for _source, target in pairs(ROOTED.argv(["x"]), "--ro-bind")}
    own = {"/usr", "/etc", "/suite", "/run/cc-ci/broker.sock", *map(str, python_folders())}
    assert shown - own <= {"/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"}
    optional = {target for _source, target in pairs(ROOTED.argv(["x"]), "--ro-bind-try")}
    assert optional == {
        *("/etc/fonts", "/etc/ld.so.cache", "/etc/alternatives", "/var/cache/fontconfig", "/opt/google"),
    }


def test_every_parent_of_a_bind_is_made_passable_before_it() -> None:
    argv = ROOTED.argv(["x"])
    for folder in python_folders():
        bound = argv.index(str(folder), argv.index("--ro-bind"))
        for parent in itertools.islice(folder.parents, len(folder.parents) - 1):
            # by the option: a checkout under /tmp shares that word with the sandbox's HOME
            made = ("--perms", "0755", "--dir", str(parent))
            assert made in (argv[at : at + 4] for at in range(bound))


def test_without_root_it_is_a_user_namespace_on_the_machines_network() -> None:
    argv = ROOTLESS.argv(["x"])
    assert "--unshare-user" in argv
    assert not {"unshare", "setpriv", "--cap-add"} & set(argv)


def test_the_python_that_runs_this_is_shown() -> None:
    assert Path(sys.prefix).is_relative_to("/usr") or Path(sys.prefix) in python_folders()
