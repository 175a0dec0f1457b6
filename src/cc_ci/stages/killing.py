"""Kill an app as a power cut would, and see it come back: a lock that it leaves must not keep it down."""

from cc_ci.engine.labels import SERVICE, STACK
from cc_ci.engine.state import Container
from cc_ci.errors import StageFailed
from cc_ci.results.schema import StageName
from cc_ci.stages.bench import Bench, Deployed
from cc_ci.stages.checking import proof
from cc_ci.stages.deploying import serve_again
from cc_ci.system.units import Seconds
from cc_ci.system.waiting import wait_until

PATIENCE: Seconds = 30.0
"""For a killed container to be seen as ended."""


def kill(bench: Bench, deployed: Deployed, *, stage: StageName) -> None:
    """Kill every container that Swarm starts again, and wait until the app serves as before."""
    with proof(bench, "comes back after it was killed", deployed=deployed, stage=stage):
        doomed = [one for one in _running(bench, deployed) if _comes_again(one, deployed)]
        if not doomed:
            bench.findings.warn(
                "not-killed", "no service is started again by its restart_policy; none was killed"
            )
            return
        with bench.span("kill its containers", "verify"):
            for container in doomed:
                bench.engine.kill_container(container.id)
            _until_ended(bench, deployed, {one.id for one in doomed})
        try:
            serve_again(bench, deployed, phase="verify")
        except StageFailed as error:
            raise StageFailed(f"after SIGKILL: {error}") from error


def _running(bench: Bench, deployed: Deployed) -> list[Container]:
    found = bench.engine.containers({STACK: deployed.stack.name})
    return [container for container in found if container.state == "running"]


def _comes_again(container: Container, deployed: Deployed) -> bool:
    name = container.labels.get(SERVICE, "").removeprefix(f"{deployed.stack.name}_")
    service = deployed.stack.services.get(name)
    policy = service.deploy.restart_policy if service else None
    return service is not None and (policy is None or policy.condition != "none")


def _until_ended(bench: Bench, deployed: Deployed, killed: set[str]) -> None:
    wait_until(
        lambda: killed & {one.id for one in _running(bench, deployed)},
        name="the killed containers to end",
        ready=lambda left: not left,
        timeout=PATIENCE,
        clock=bench.clock,
        interval=0.05,
    )
