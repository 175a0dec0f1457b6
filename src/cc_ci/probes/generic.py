"""Checks that hold for any recipe, with a suite or without."""

from cc_ci.engine.state import ServiceState, StackSnapshot
from cc_ci.probes.answers import Answer, Requester, from_router, get
from cc_ci.probes.expectation import Expectation, Expected
from cc_ci.probes.ready import LOOK_TIMEOUT
from cc_ci.recipes.routes import Route
from cc_ci.recipes.routes import routes as read_routes
from cc_ci.recipes.stack import Stack
from cc_ci.results.schema import Outcome, TestResult
from cc_ci.system.units import Seconds

REDIRECTS = (301, 302, 303, 307, 308)


def proxy_checks(
    requester: Requester,
    *,
    domain: str,
    stack: Stack,
    routes: tuple[Route, ...],
    expectation: Expected = Expectation(),  # noqa: B008 - frozen
    timeout: Seconds = LOOK_TIMEOUT,
) -> tuple[TestResult, ...]:
    """Ask the app once over https and once over plain http, and judge certificate, status and redirect."""
    secure, unmet = expectation.asked(requester, domain=domain, timeout=timeout)
    plain = get(requester, expectation.url(domain, scheme="http"), timeout=timeout)
    route = _route(expectation.host or domain, routes)
    return (
        certificate_check(secure, route=route, stack=stack),
        status_check(secure, unmet, route=route, stack=stack),
        plain_http_check(plain),
    )


def service_checks(snapshot: StackSnapshot, *, stack: Stack) -> tuple[TestResult, ...]:
    """Every service of the recipe has all its tasks running, which Swarm says only of healthy ones.

    One that ends by design has run, and ended well.
    """
    return tuple(
        _service_check(name, snapshot.service(name), ended=name in stack.ends and _ended(snapshot, name))
        for name in sorted(stack.services)
    )


def _ended(snapshot: StackSnapshot, service: str) -> bool:
    return any(task.current and task.state == "complete" for task in snapshot.tasks_of(service))


def _service_check(name: str, service: ServiceState | None, *, ended: bool) -> TestResult:
    fault = "it was not deployed" if service is None else _service_fault(service, ended=ended)
    reason = f"services.{name}: {fault}" if fault else None
    return _check(f"service {name}", "failed" if fault else "passed", reason)


def _service_fault(service: ServiceState, *, ended: bool) -> str | None:
    if service.running < service.desired and not ended:
        return f"{service.running} of {service.desired} tasks are running"
    if service.outdated:
        return f"{service.outdated} tasks are still of the version before"
    if service.update and service.update.state != "completed":
        return f"its update is {service.update.state}: {service.update.message}"
    return None


def certificate_check(answer: Answer, *, route: Route | None, stack: Stack) -> TestResult:
    """The app's own certificate is shown, and trusted."""
    if answer.problem is None:
        return _check("certificate", "passed", seconds=answer.seconds)
    if answer.problem.kind != "certificate":
        return _check("certificate", "unverified", str(answer), seconds=answer.seconds)
    reason = f"{answer.url}: {_shown(answer)}; {_blame(route, stack=stack)}"
    return _check("certificate", "failed", reason, seconds=answer.seconds)


def explain(answer: Answer, *, host: str, stack: Stack) -> str | None:
    """What in the recipe keeps the proxy from serving `host`, where that is why the app did not answer."""
    untrusted = answer.problem is not None and answer.problem.kind == "certificate"
    if untrusted or (from_router(answer) and answer.status == 404):  # noqa: PLR2004 - no router matches
        return _blame(_route(host, read_routes(stack)), stack=stack)
    return None


def _route(host: str, known: tuple[Route, ...]) -> Route | None:
    return next((route for route in known if host in route.hosts), None)


def _blame(route: Route | None, *, stack: Stack) -> str:
    """Which label of the recipe makes the proxy not serve a host over TLS, or that none does.

    Without `tls.certresolver` a router has no certificate; without `tls`, too, it has no part in https, and
    the proxy answers 404 itself.
    """
    if route is None:
        return "no router of the recipe has this host in its rule"
    section = f"services.{route.service}.deploy.labels"
    if route.certresolver:
        return f"router {route.router} has TLS on, so look at the proxy's log"
    source = stack.source(section)
    place = f"{source.file}:{source.line}: " if source else ""
    return f"{place}{section}: traefik.http.routers.{route.router}.tls.certresolver is not set"


def status_check(answer: Answer, unmet: str | None, *, route: Route | None, stack: Stack) -> TestResult:
    if unmet and from_router(answer) and answer.status == 404:  # noqa: PLR2004 - no router matches
        unmet = f"{unmet}; {_blame(route, stack=stack)}"
    return _check("status", "failed" if unmet else "passed", unmet, seconds=answer.seconds)


def plain_http_check(answer: Answer) -> TestResult:
    """Plain http leads to https, or the app answers there, too."""
    location = answer.headers.get("location", "")
    if answer.status in REDIRECTS and location.startswith("https://"):
        return _check("plain http", "passed", seconds=answer.seconds)
    if answer.problem:
        return _check("plain http", "unverified", str(answer), seconds=answer.seconds)
    if from_router(answer) and answer.status == 404:  # noqa: PLR2004 - no router matches
        reason = "the node's proxy does not redirect plain http, and the recipe has no router for it"
        return _check("plain http", "skipped", reason, seconds=answer.seconds)
    unmet = Expectation().unmet(answer)
    return _check("plain http", "failed" if unmet else "passed", unmet, seconds=answer.seconds)


def _shown(answer: Answer) -> str:
    if answer.certificate is None:
        return "the certificate is not trusted"
    if answer.certificate.routers_default:
        return "the proxy shows its default certificate"
    names = ", ".join(answer.certificate.names) or answer.certificate.subject
    return f"the certificate shown is for {names}, from {answer.certificate.issuer}"


def _check(name: str, outcome: Outcome, reason: str | None = None, *, seconds: Seconds = 0.0) -> TestResult:
    return TestResult(id=f"generic: {name}", outcome=outcome, reason=reason, seconds=seconds, assertions=1)
