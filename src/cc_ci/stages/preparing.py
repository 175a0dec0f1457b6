"""Make a deployment ready to be deployed: its app, its network, its secrets, its certificates, its files."""

from collections.abc import Mapping

from cc_ci.engine.overlay import CA_CONFIG, overlay
from cc_ci.isolation.holdings import HeldName, names_of
from cc_ci.lab.certificates import certify
from cc_ci.lab.names import lead
from cc_ci.recipes.app import App
from cc_ci.recipes.configuring import configure, run_values
from cc_ci.recipes.ending import with_ends
from cc_ci.recipes.host_names import at_or_below, host_fault
from cc_ci.recipes.routes import routes
from cc_ci.recipes.stack import Stack, read_stack
from cc_ci.stages.bench import Bench, Candidate, Deployed
from cc_ci.stages.permitting import require_permitted
from cc_ci.system.units import Seconds
from cc_ci.timing.phases import Phase

SHARED_PROXY = "proxy"


def prepare(
    bench: Bench,
    name: str,
    *,
    domain: str,
    candidate: Candidate,
    twin: Deployed | None,
    stack_name: str | None = None,
    phase: Phase | None = None,
) -> Deployed:
    """Set up what a deploy needs. A twin lends its domain and secret values, but no volume.

    `stack_name` is another than the domain's where the twin is there at the same time.

    `phase` is that of the whole, None for the phases of an app under test.
    """
    with bench.span("configure the app", phase or "app_new"):
        app = configured(candidate, domain=domain, stack_name=stack_name)
        stack = stack_of(app, candidate)
        require_permitted(app, stack, candidate, node=bench.node)
        network = _proxy_name(bench, app)
        # before there is anything to remove: what is there already is never this run's to remove
        claim(bench, name, app, stack)
        deployed = Deployed(
            name=name,
            app=app,
            stack=stack,
            candidate=candidate,
            proxy_network=network,
            data_of=name,
            address=bench.own_address(name),
            folder=bench.scratch / name,
            secrets={},
            since=bench.engine.now(),
        )
        # from here on there is something to remove
        bench.begin(deployed)
        _make_proxy_network(bench, deployed)
        lead(bench.node, deployed.domain)
        _certify(bench, deployed)
    with bench.span("make secrets", phase or "secrets"):
        make_secrets(bench, deployed, values=twin.secrets if twin else {})
    with bench.span("write the stack's files", phase or "app_new"):
        write_files(bench, deployed)
    return deployed


def configured(candidate: Candidate, *, domain: str, stack_name: str | None = None) -> App:
    """The app of one version, as its suite, the variant and the wiring to a provider want it."""
    suite, variant = candidate.suite, candidate.variant
    values = run_values(domain, stack_name=stack_name)
    env = dict(suite.env_for(variant, values=values, sign_on=candidate.sign_on)) if suite else {}
    chosen = suite.variant(variant).compose_files if suite and variant else None
    return configure(candidate.recipe, domain=domain, overrides=env, variant=chosen, stack_name=stack_name)


def stack_of(app: App, candidate: Candidate) -> Stack:
    """The app's stack, with what its suite says of it."""
    return with_ends(read_stack(app), candidate.suite.ends if candidate.suite else ())


def make_secrets(bench: Bench, deployed: Deployed, *, values: Mapping[str, str]) -> None:
    """Make the secrets that the app names and that are not there yet: as given, as wired, or new ones."""
    labels = bench.labels(deployed.name).all()
    suite = deployed.candidate.suite
    given = {**(suite.secrets_for(deployed.candidate.sign_on) if suite else {}), **values}
    wanted = [secret for secret in deployed.app.secrets if secret.swarm_name not in deployed.made]
    for name, value in given.items():
        bench.redact.learn(value, name=f"secret {name}")
    made = bench.driver.make_secrets(deployed.app, wanted, given=given, labels=labels)
    for name, value in made.items():
        bench.redact.learn(value, name=f"secret {name}")
    deployed.secrets.update(made)
    deployed.made |= {secret.swarm_name for secret in wanted}


def write_files(bench: Bench, deployed: Deployed) -> None:
    """Write the run-folder copies of the recipe's compose files, and the overlay beside them."""
    laid = overlay(
        deployed.stack,
        deployed.app,
        run=bench.labels(deployed.name),
        node=bench.node,
        proxy_network=deployed.proxy_network,
        tuning=bench.waits.tuning,
        start_periods=_start_periods(bench, deployed),
    )
    for warning in laid.warnings:
        bench.findings.warn("overlay", warning)
    bench.driver.write(deployed.app, deployed.stack, laid, deployed.folder)


def _start_periods(bench: Bench, deployed: Deployed) -> dict[str, Seconds]:
    """Those of the images' own health checks, where the overlay would give a service one."""
    if bench.waits.tuning.start_interval is None:
        return {}
    images = {one.image for one in deployed.stack.services.values() if one.healthcheck}
    found = {reference: bench.engine.image(reference) for reference in sorted(images)}
    return {reference: image.start_period for reference, image in found.items() if image}


def claim(bench: Bench, name: str, app: App, stack: Stack) -> None:
    """Claim the names of all that one version's deployment makes; raises for one that is taken."""
    extra = [HeldName(kind="config", name=f"{stack.name}_{CA_CONFIG}")]
    if bench.node.proxy_container is not None:
        extra.append(HeldName(kind="network", name=_proxy_name(bench, app)))
    bench.holdings.claim(name, stack.name, (*names_of(app, stack), *extra), place=stack.place)


def _proxy_name(bench: Bench, app: App) -> str:
    """A proxy network of the deployment's own; the shared one where the node's proxy is not ours."""
    return SHARED_PROXY if bench.node.proxy_container is None else f"{app.stack_name}_ccproxy"


def _make_proxy_network(bench: Bench, deployed: Deployed) -> None:
    if bench.node.proxy_container is not None:
        labels = bench.labels(deployed.name).all()
        bench.engine.create_network(deployed.proxy_network, labels=labels)


def _certify(bench: Bench, deployed: Deployed) -> None:
    """Issue a certificate for each host whose router asks for one, and no other: a missing label shows."""
    if bench.node.certificates is None:
        return
    asked = {host for route in routes(deployed.stack) if route.certresolver for host in route.hosts}
    own = sorted(host for host in asked if _is_own(host, deployed.domain))
    for host in own:
        certify(bench.node, host)
    deployed.certified = tuple(own)
    for host in sorted(asked.difference(own)):
        bench.findings.warn("foreign-host", f"host {host}: not the app's own, so it gets no certificate here")


def _is_own(host: str, domain: str) -> bool:
    name = host.removeprefix("*.")
    return host_fault(name) is None and at_or_below(name, domain)
