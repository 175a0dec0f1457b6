"""What a run has of a warm Keycloak: a realm, an account that is good for it alone, and a way to it.

The way is a network that holds Keycloak and the run's proxy, and a route that leads to the run's realm and to
what pages are made of, and to no other realm: not to `master`, and not to another run's.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence

import filelock

from cc_ci.engine.api import Engine, Labels
from cc_ci.engine.node import Node
from cc_ci.errors import CcCiError, InfrastructureError, Unverified
from cc_ci.isolation.leases import liveness
from cc_ci.lab.certificates import certify, route_file, uncertify
from cc_ci.lab.names import lead
from cc_ci.probes.answers import Requester
from cc_ci.providers import warm_argv
from cc_ci.providers.api import Shown, SignOn
from cc_ci.providers.conversation import Conversation
from cc_ci.providers.keycloak import GONE, shown
from cc_ci.providers.warm import WarmKeycloak
from cc_ci.providers.warm_master import run_bearer
from cc_ci.system.clock import Clock
from cc_ci.system.units import Seconds
from cc_ci.system.waiting import WaitTimeout, wait_until

ROUTE_PATIENCE: Seconds = 30.0
"""Traefik sees a new file at once, and waits for its throttle before it obeys it."""
OK = 200


class BorrowedRealm:
    """A run's part of a warm Keycloak; a Provider. `requester` asks through the run's proxy.

    Order of calls: `set_up`, `check`, `take_down`; the last works for what is only half there.
    """

    def __init__(
        self,
        warm: WarmKeycloak,
        node: Node,
        engine: Engine,
        *,
        run: str,
        domain: str,
        labels: Labels,
        requester: Requester,
        clock: Clock,
        warn: Callable[[str], None],
    ) -> None:
        self._warm = warm
        self._node = node
        self._engine = engine
        self._run = run
        self._domain = domain
        self._labels = labels
        self._requester = requester
        self._clock = clock
        self._warn = warn
        self._network = f"{domain.replace('.', '_')}_ccprovider"
        self._secret = secrets.token_urlsafe(24)

    @property
    def secret(self) -> str:
        """Of the run's own account, for whoever has to know what to redact."""
        return self._secret

    def set_up(self, sign_on: SignOn, *, redirects: Sequence[str]) -> None:
        try:
            with filelock.FileLock(self._warm.lock):
                self._warm.wake()
                self._warm.keeper().make(sign_on, run=self._run, redirects=redirects, run_secret=self._secret)
            self._lay_way(sign_on)
        except InfrastructureError as error:
            raise Unverified(f"{sign_on.provider}: the warm one can't be used: {error}") from error

    def check(self, sign_on: SignOn) -> tuple[Shown, ...]:
        return shown(self._talk, sign_on)

    def take_down(self, sign_on: SignOn) -> None:
        """Delete the realm by the run's own account, close the way, and see that nothing else has changed."""
        faults = [
            fault for part in (self._delete, self._close_way, self._see) if (fault := _tried(part, sign_on))
        ]
        if faults:
            raise Unverified(f"{sign_on.provider}: {'; '.join(faults)}")

    @property
    def _talk(self) -> Conversation:
        return Conversation(self._requester, name="keycloak", url=f"https://{self._domain}")

    def _delete(self, sign_on: SignOn) -> None:
        """What can't be deleted is deleted by `reap` once the run is over."""
        bearer = run_bearer(self._talk, sign_on, secret=self._secret)
        path = f"/admin/realms/{sign_on.realm}"
        self._talk.ask("DELETE", path, bearer=bearer, expect=(204, GONE))

    def _see(self, _sign_on: SignOn) -> None:
        with filelock.FileLock(self._warm.lock):
            record = self._warm.record
            if record is not None and self._warm.digest() != record.digest:
                self._warn("keycloak: what no run owns of the warm one has changed while this run used it")
            self._warm.rest(liveness(self._engine), but=self._run)

    def _lay_way(self, sign_on: SignOn) -> None:
        if self._node.proxy_container is None or self._node.certificates is None:
            raise InfrastructureError(f"node {self._node.name}: its proxy is not the run's own")
        self._engine.create_network(self._network, labels=self._labels)
        self._engine.connect_network(self._network, warm_argv.NAME)
        self._engine.connect_network(self._network, self._node.proxy_container)
        state = self._engine.container(warm_argv.NAME)
        if state is None or self._network not in state.addresses:
            raise InfrastructureError(f"network {self._network}: Keycloak has no address in it")
        lead(self._node, self._domain)
        certify(self._node, self._domain)
        made = route(self._domain, sign_on.realm, address=state.addresses[self._network])
        route_file(self._node, self._domain, made)
        self._await_route(sign_on)

    def _await_route(self, sign_on: SignOn) -> None:
        where = f"{sign_on.issuer}/.well-known/openid-configuration"
        try:
            wait_until(
                lambda: self._requester.request("GET", where),
                name="route to the warm keycloak",
                ready=lambda answer: answer.status == OK,
                timeout=ROUTE_PATIENCE,
                clock=self._clock,
                interval=0.1,
                describe=str,
            )
        except WaitTimeout as error:
            raise InfrastructureError(str(error)) from error

    def _close_way(self, _sign_on: SignOn) -> None:
        uncertify(self._node, self._domain)
        route_file(self._node, self._domain, None)
        for container in (warm_argv.NAME, self._node.proxy_container):
            if container is not None:
                self._engine.disconnect_network(self._network, container)
        self._engine.remove_network(self._network)


def route(domain: str, realm: str, *, address: str) -> Mapping[str, object]:
    """What a run's Traefik has to know: the domain leads to this realm of Keycloak's, and to no other."""
    paths = (f"/realms/{realm}/", f"/admin/realms/{realm}/", "/resources/")
    prefixes = [*(f"PathPrefix(`{path}`)" for path in paths), f"Path(`/admin/realms/{realm}`)"]
    rule = f"Host(`{domain}`) && ({' || '.join(prefixes)})"
    router = {"rule": rule, "entryPoints": ["web-secure"], "service": "cc-ci-provider", "tls": {}}
    servers = {"servers": [{"url": f"http://{address}:{warm_argv.PORT}"}]}
    return {
        "http": {
            "routers": {"cc-ci-provider": router},
            "services": {"cc-ci-provider": {"loadBalancer": servers}},
        }
    }


def _tried(part: Callable[[SignOn], None], sign_on: SignOn) -> str | None:
    try:
        part(sign_on)
    except CcCiError as error:
        return str(error)
    return None
