"""`cc-ci doctor`: what this machine has, whether that is enough, and how to fix it."""

from typing import TYPE_CHECKING

import click

from cc_ci.errors import InfrastructureError

if TYPE_CHECKING:
    from cc_ci.system.doctor import Check
    from cc_ci.system.process import Runner


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def doctor(*, as_json: bool) -> None:
    """Check this machine, and say how to fix what is missing."""
    from cc_ci.system.doctor import judge, suffices
    from cc_ci.system.machine import look
    from cc_ci.system.process import LocalRunner

    runner = LocalRunner()
    checks = (*judge(look(runner=runner)), _node(runner))
    _print(checks, as_json=as_json)
    if not suffices(checks):
        missing = ", ".join(check.name for check in checks if check.verdict == "missing")
        raise InfrastructureError(f"doctor: missing: {missing}; each line above says how to fix it")


def _node(runner: "Runner") -> "Check":
    from cc_ci.engine.docker_engine import connect
    from cc_ci.lab.node import PrivateNode
    from cc_ci.lab.node_records import DEFAULT, SYSTEM
    from cc_ci.system.doctor import Check

    name, private = "private node", PrivateNode(DEFAULT)
    try:
        engine = connect(private.load(), runner).system()
    except InfrastructureError as error:
        return Check(name=name, found="not up", mend=str(error))
    chosen = private.record.wanted.engine if private.record else SYSTEM
    whose = "the machine's own" if chosen == SYSTEM else chosen
    found = f"engine {engine.version} ({whose}), API {engine.api}, {engine.image_store}"
    if not engine.swarm:
        return Check(name=name, found=f"{found}, no Swarm", verdict="limited", mend="run `cc-ci node up`")
    return Check(name=name, found=f"{found}, Swarm is active")


def _print(checks: "tuple[Check, ...]", *, as_json: bool) -> None:
    if as_json:
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(checks)))
        return
    width = max(len(check.name) for check in checks)
    for check in checks:
        click.echo(f"{check.verdict:<8} {check.name:<{width}}  {check.found}")
        if check.mend:
            click.echo(f"{'':<8} {'':<{width}}  -> {check.mend}")
