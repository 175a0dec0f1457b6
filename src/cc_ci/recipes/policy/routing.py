"""Routers: that every way in is by the app's own hosts, and that there is one. Seen from the labels."""

from collections.abc import Iterator

from cc_ci.recipes.host_names import host_fault
from cc_ci.recipes.policy.looking import Look
from cc_ci.recipes.policy.refusals import Refusal
from cc_ci.recipes.policy.sections import PROXY
from cc_ci.recipes.routes import Route, every_route, front_doors
from cc_ci.recipes.rule import SYNTAXES, Matcher, RouterRule, RuleFault, Syntax, matchers, parse_rule
from cc_ci.recipes.rule_reach import HOSTS, WILDCARD, stray_ways
from cc_ci.recipes.rule_syntax import fits
from cc_ci.recipes.traefik_labels import read_labels

DEPLOY_LABELS = "services.{}.deploy.labels"
CATCH_ALL_NAME = "the proxy would send it other apps' users, too"


def routing(look: Look) -> Iterator[Refusal]:
    """The rules, and then the ways in that they leave."""
    faults = list(_rules(look))
    yield from faults
    known = [route for route in every_route(look.stack) if route.kind == "http"]
    yield from _unheard(look, known)
    yield from _off_the_proxy(look, known)
    if not known and _is_web(look):
        yield from _no_router(look)
    elif known and not any(one.blocks for one in faults) and not front_doors(known, domain=look.app.domain):
        what = "no request of cc-ci's gets through its rule: it asks by GET, from an address of the node"
        yield look.refuse(known[0].key, what, blame="cc-ci")


def _rules(look: Look) -> Iterator[Refusal]:
    """Each router's rule: that Traefik can read it, and that it takes the app's own hosts only."""
    for route in every_route(look.stack):
        if route.kind == "udp":
            yield from _taken_over(look, route, "takes all that comes in by UDP")
        elif not route.rule.strip():
            what = "is empty, so that Traefik makes up a host of its own"
            yield look.refuse(route.key, what, remedy="write Host(`${DOMAIN}`)")
        else:
            yield from _rule(look, route)


def _rule(look: Look, route: Route) -> Iterator[Refusal]:
    """A rule as the proxy reads it; where that is unknown, as each version would that can read it."""
    if wrong := _misread(look, route):
        yield wrong
        return
    for syntax in _syntaxes(look, route):
        yield from _reach(look, route, parse_rule(route.rule, syntax=syntax), syntax)


def _reach(look: Look, route: Route, rule: RouterRule, syntax: Syntax) -> Iterator[Refusal]:
    if wrong := next(_host_faults(rule), None):
        yield look.refuse(route.key, wrong, remedy="write Host(`${DOMAIN}`), or a name below it")
        return
    for stray in dict.fromkeys(stray_ways(rule, domain=look.app.domain, syntax=syntax)):
        if route.kind == "tcp" and stray is not None and stray.values == ("*",):
            yield from _taken_over(look, route, "takes all that comes in by TCP")
        else:
            yield _stray(look, route, stray)


def _syntaxes(look: Look, route: Route) -> tuple[Syntax, ...]:
    if look.place.private:
        return (_syntax(look, route),)
    return tuple(one for one in SYNTAXES if _fault(route, one) is None)


def _syntax(look: Look, route: Route) -> Syntax:
    return route.syntax if route.told else look.place.syntax or route.syntax


def _misread(look: Look, route: Route) -> Refusal | None:
    """A rule that no Traefik can read, or that the one which reads the others takes otherwise."""
    syntax = _syntax(look, route)
    others: Syntax = "v3" if syntax == "v2" else "v2"
    if _fault(route, "v2") and (fault := _fault(route, "v3")):
        return look.refuse(route.key, f"{route.rule!r} is no rule: {fault}")
    if route.told and (fault := _fault(route, syntax)):
        return look.refuse(route.key, f"its label says ruleSyntax={syntax}, and Traefik drops it: {fault}")
    if route.told or fits(route.rule, syntax) or not fits(route.rule, others):
        return None
    return look.refuse(
        route.key,
        f"is in the syntax of Traefik {others[1:]}, and {_whose(route, syntax)} in that of {syntax[1:]}: "
        f"no proxy reads both",
        blame="recipe" if route.syntax == syntax else "cc-ci",
        remedy="write one host for each Host(), with || between them, which both read",
    )


def _whose(route: Route, syntax: Syntax) -> str:
    return "another router's rule is" if route.syntax == syntax else "the version under test is"


def _fault(route: Route, syntax: Syntax) -> RuleFault | None:
    try:
        parse_rule(route.rule, syntax=syntax)
    except RuleFault as fault:
        return fault
    return None


def _host_faults(rule: RouterRule) -> Iterator[str]:
    for matcher in matchers(rule):
        for host in matcher.values if matcher.name in HOSTS and matcher.values != ("*",) else ():
            if fault := host_fault(WILDCARD.sub("", host.removesuffix("."), count=1)):
                yield f"{host!r} is no host name: {fault}"


def _stray(look: Look, route: Route, stray: Matcher | None) -> Refusal:
    if stray is None:
        what = f"takes requests for any host: {CATCH_ALL_NAME}"
        return look.refuse(route.key, what, remedy="say Host(`${DOMAIN}`) && before it")
    what = f"{stray!s} takes hosts that are neither the app's domain nor below it"
    if variable := _variable_of(look, stray):
        remedy = f'give {variable} a name below the app\'s under env in suite.toml, as "x.${{DOMAIN}}"'
        return look.refuse(route.key, what, blame="policy", remedy=remedy)
    ends = r"end it with \.${DOMAIN}$" if "Regexp" in stray.name else "use ${DOMAIN}, or a name below it"
    return look.refuse(route.key, what, remedy=ends)


def _variable_of(look: Look, stray: Matcher) -> str | None:
    """The variable of .env.sample that an operator gives the host by: the recipe did not choose it."""
    sampled = {one.key for one in look.app.recipe.assignments} - {"DOMAIN"}
    for host in stray.values:
        for name, value in look.app.env.items():
            if name in sampled and value == host:
                return name
    return None


def _taken_over(look: Look, route: Route, what: str) -> Iterator[Refusal]:
    """A router without a host of its own: harmless only at an entry point that nobody else has."""
    known = look.place.entrypoints
    if known is None:
        for name in route.entrypoints or ("?",):
            yield look.needs(f"entrypoint:{name}", route.key, f"{what} at {name}, whoever it is for")
    elif shared := [name for name in route.entrypoints or known if name in known]:
        yield look.refuse(route.key, f"{what} at {', '.join(shared)}: {CATCH_ALL_NAME}")
    else:
        yield _no_entrypoint(look, route, blocks=False)


def _no_entrypoint(look: Look, route: Route, *, blocks: bool) -> Refusal:
    there = ", ".join(look.place.entrypoints or ())
    what = (
        f"router {route.router} listens at {', '.join(route.entrypoints)}, "
        f"and the node's proxy has {there} only: this way in is not tried"
    )
    return look.refuse(route.key, what, blame="cc-ci", blocks=blocks)


def _unheard(look: Look, known: list[Route]) -> Iterator[Refusal]:
    """Routers at entry points that the node's proxy has not."""
    entrypoints = set(look.place.entrypoints or ())
    if look.place.entrypoints is None:
        return
    unheard = [one for one in known if one.entrypoints and not entrypoints & set(one.entrypoints)]
    for route in unheard:
        yield _no_entrypoint(look, route, blocks=len(unheard) == len(known))


def _is_web(look: Look) -> bool:
    if look.web is not None:
        return look.web
    domain = look.app.recipe.assignment("DOMAIN")
    return domain is not None and not domain.off


def _no_router(look: Look) -> Iterator[Refusal]:
    if any(read_labels(service.labels).enable is None for service in look.stack.services.values()):
        return  # that is said already
    remedy = "add traefik.enable=true and a router, or say `web = false` in suite.toml"
    if "app" in look.stack.services:
        key = "services.app.deploy.labels"
    else:
        key = DEPLOY_LABELS.format(next(iter(look.stack.services)))
    yield look.refuse(key, "no service has a router, and .env.sample has a DOMAIN", remedy=remedy)


def _off_the_proxy(look: Look, known: list[Route]) -> Iterator[Refusal]:
    proxies = {key for key, net in look.stack.networks.items() if net.external and net.name == PROXY}
    for name in dict.fromkeys(route.service for route in known):
        if not proxies & set(look.stack.services[name].networks):
            what = "is routed and not on the network `proxy`, so that no proxy reaches it"
            remedy = "add the external network proxy to the service"
            yield look.refuse(f"services.{name}.networks", what, remedy=remedy)
