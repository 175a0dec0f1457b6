"""Bring a provider up for the run, give the run its part of it, and take it down again."""

import functools
from collections.abc import Callable, Sequence

from cc_ci.errors import CcCiError, StageFailed, Unverified
from cc_ci.providers.api import Provider, SignOn
from cc_ci.providers.borrowed import BorrowedRealm
from cc_ci.providers.known import reach
from cc_ci.providers.warm import WarmKeycloak
from cc_ci.results.schema import TestResult
from cc_ci.stages.bench import Bench, Candidate, Deployed
from cc_ci.stages.checking import conclude
from cc_ci.stages.deploying import deploy
from cc_ci.stages.preparing import prepare
from cc_ci.stages.removing import undeploy

LAST_LINES = 3
"""Of each service's log, in the message of a provider that does not come up."""


def provide(
    bench: Bench, *, domain: str, candidate: Candidate, sign_on: SignOn, redirects: Sequence[str]
) -> Provider:
    """Deploy the provider, and make the run's realm, client and user; Unverified if it does not come up."""
    bench.redact.learn(sign_on.client_secret, name=f"the client's secret at {sign_on.provider}")
    bench.redact.learn(sign_on.password, name=f"the user's password at {sign_on.provider}")
    deployed = prepare(
        bench, sign_on.provider, domain=domain, candidate=candidate, twin=None, phase="provider_setup"
    )
    try:
        deploy(bench, deployed, phase="provider_setup")
    except StageFailed as error:
        said = last_words(bench, deployed)
        raise Unverified(f"{sign_on.provider}: did not come up: {error}{said}") from error
    provider = reach(
        sign_on.provider,
        requester=bench.requester,
        sign_on=sign_on,
        env=deployed.app.env,
        values=deployed.secrets,
    )
    with bench.span("make the run's realm, client and user", "provider_setup"):
        provider.set_up(sign_on, redirects=redirects)
    return provider


def borrow(
    bench: Bench, warm: WarmKeycloak, *, domain: str, sign_on: SignOn, give: Callable[[Provider], None]
) -> BorrowedRealm:
    """The run's part of a warm provider, of which nothing is made yet; `give` hears of it before that."""
    bench.redact.learn(sign_on.client_secret, name=f"the client's secret at {sign_on.provider}")
    bench.redact.learn(sign_on.password, name=f"the user's password at {sign_on.provider}")
    borrowed = BorrowedRealm(
        warm,
        bench.node,
        bench.engine,
        run=bench.run,
        domain=domain,
        labels=bench.labels(sign_on.provider).all(),
        requester=bench.requester,
        clock=bench.clock,
        warn=functools.partial(bench.findings.warn, "provider"),
    )
    bench.redact.learn(borrowed.secret, name=f"the run's own account at {sign_on.provider}")
    give(borrowed)
    return borrowed


def lend(bench: Bench, borrowed: BorrowedRealm, sign_on: SignOn, *, redirects: Sequence[str]) -> None:
    """Make the run's realm, its client, its user and its account, and the way to it."""
    with bench.span("make the run's realm, client and user", "provider_setup"):
        borrowed.set_up(sign_on, redirects=redirects)


def check(bench: Bench, provider: Provider, sign_on: SignOn) -> None:
    """Discovery and the user's token count as tests of the stage sso."""
    with bench.span("discovery and password grant", "provider_setup"):
        shown = provider.check(sign_on)
    conclude(
        bench,
        [
            TestResult(
                id=f"provider: {one.what}",
                deployment=sign_on.provider,
                outcome="unverified" if one.reason else "passed",
                assertions=1,
                reason=one.reason,
            )
            for one in shown
        ],
        stage="sso",
    )


def withdraw(bench: Bench, provider: Provider | None, sign_on: SignOn, *, deployed: Deployed | None) -> None:
    """Delete the run's realm, then the provider itself; the second happens whatever became of the first."""
    fault: CcCiError | None = None
    if provider is not None:
        with bench.span("delete the run's realm", "teardown"):
            fault = _attempt(provider, sign_on)
    if deployed is not None:
        undeploy(bench, deployed)
    if fault is not None:
        bench.findings.warn("provider", str(fault))


def _attempt(provider: Provider, sign_on: SignOn) -> CcCiError | None:
    try:
        provider.take_down(sign_on)
    except CcCiError as error:
        return error
    return None


def last_words(bench: Bench, deployed: Deployed) -> str:
    """The last lines that each service of a stack logged, without their stamps, in one line, redacted."""
    said: list[str] = []
    for service in deployed.stack.services:
        try:
            lines = bench.engine.logs(f"{deployed.stack.name}_{service}").strip().splitlines()
        except CcCiError:
            continue
        words = dict.fromkeys(line.partition(" ")[2].strip() for line in lines[-LAST_LINES:])
        said.extend(f"; {service}: {line}" for line in words)
    return bench.redact("".join(said))
