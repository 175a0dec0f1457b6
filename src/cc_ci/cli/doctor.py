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
        raise InfrastructureError(f"doctor: {summed(checks)}")
    click.echo(summed(checks), err=as_json)


def summed(checks: "tuple[Check, ...]") -> str:
    """What works here and what does not, in one line."""
    short = [check.name for check in checks if check.verdict == "missing"]
    if short:
        return f"no recipe can be tested here: {', '.join(short)} missing; each line above says how to fix it"
    limited = [check.name for check in checks if check.verdict == "limited"]
    idle = [check for check in checks if check.mend and check.verdict not in {"missing", "limited"}]
    parts = ["reading and testing recipes works here"]
    parts += [f"with limits: {', '.join(limited)}"] if limited else []
    parts += [f"still to do: {'; '.join(f'{one.name}: {one.mend}' for one in idle)}"] if idle else []
    return "; ".join(parts)


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
        from cc_ci.cli.told_json import tell_json

        tell_json("doctor", checks=checks)
        return
    width = max(len(check.name) for check in checks)
    for check in checks:
        click.echo(f"{check.verdict:<8} {check.name:<{width}}  {check.found}")
        if check.mend:
            click.echo(f"{'':<8} {'':<{width}}  -> {check.mend}")
