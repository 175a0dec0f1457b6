"""A private node's namespaces, and what is in reach from them: the way out, the registry, names."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from cc_ci.lab import names, namespaces, proxy_services, remapping, upstream
from cc_ci.lab.addresses import Addresses
from cc_ci.lab.certificates import lab_authority
from cc_ci.lab.cgroups import NodeGroup
from cc_ci.lab.daemons import daemon_of
from cc_ci.lab.firewall import Firewall
from cc_ci.lab.node_records import Wanted
from cc_ci.lab.places import Places
from cc_ci.system.clock import Clock
from cc_ci.system.files import write_atomic
from cc_ci.system.process import Runner, check


class NodeNetwork:
    """Order of calls: `make_namespaces`, then `start`; `stop` and `remove` work twice."""

    def __init__(
        self, node: Places, group: NodeGroup, *, runner: Runner, clock: Clock, say: Callable[[str], None]
    ) -> None:
        self._node = node
        self._group = group
        self._runner = runner
        self._clock = clock
        self._say = say
        self._firewall = Firewall(node, runner=runner, say=say)

    def make_namespaces(self, chosen: Addresses, *, engine: Path | None) -> None:
        """One for the network and one for mounts, with a link to the machine; `engine` is a kept one's."""
        self._say("namespaces: a network and a mount namespace of its own")
        node = self._node
        node.runtime.mkdir(parents=True, exist_ok=True)
        node.runtime.chmod(0o700)
        namespaces.make_network_namespace(node.network_namespace, self._runner)
        here = ((), node.link("h"), chosen.host)
        there = (node.network_namespace, "host0", (chosen.node,))
        namespaces.link(self._runner, near=here, far=there, prefix=30)
        self._route_proxies(chosen)
        files = {
            "/etc/resolv.conf": f"nameserver {chosen.node}\n",
            "/etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
        }
        files |= remapping.files() if node.remapped else {}
        namespaces.make_mount_namespace(node, self._runner, files=files)
        if engine:
            namespaces.make_engine_namespace(node, self._runner, root=engine, files=files)

    def start(self, wants: Wanted, chosen: Addresses, *, registry: bool) -> None:
        """Open the way out, start the `registry` if there is to be one, and answer for the names of both."""
        node = self._node
        daemon_of(node, "slirp4netns", clock=self._clock).start(self._slirp_argv())
        at = self._start_registry(wants, chosen) if registry else {}
        argv = names.dnsmasq_argv(ci_domain=wants.ci_domain, upstreams=at, listen=(chosen.node, "127.0.0.1"))
        self._restart_if_changed("dnsmasq", (*namespaces.in_network(node.network_namespace), *argv))

    def close(self, wants: Wanted, chosen: Addresses) -> None:
        """Close to containers what they have no business with, before there are any."""
        self._firewall.close(chosen, private_images=wants.images == "hub")

    def part(self, shared: Iterable[str]) -> None:
        """Keep containers of different runs apart on the engine's bridges; `shared` are their networks."""
        self._firewall.part(shared)

    def refresh(self, wants: Wanted, chosen: Addresses) -> None:
        """Close what has come since: this machine's addresses may be others than when the node came up."""
        self._firewall.refresh(chosen, private_images=wants.images == "hub")

    def upstreams(self) -> dict[str, str]:
        """The upstream names that the registry answers for, with their addresses."""
        return upstream.last_assigned(self._node)

    def stop(self) -> None:
        for name in (proxy_services.NAME, "dnsmasq", "slirp4netns"):
            daemon_of(self._node, name, clock=self._clock).stop(patience=5)
        upstream.stop(self._node, clock=self._clock)

    def remove(self) -> None:
        """Take the link and the namespaces away, once nothing runs in them."""
        namespaces.remove_link(self._node.link("h"), self._runner)
        namespaces.remove_network_namespace(self._node.upstream_namespace, self._runner)
        namespaces.remove_network_namespace(self._node.network_namespace, self._runner)
        namespaces.remove_mount_namespace(self._node, self._runner)

    def serve_proxies(self) -> None:
        """Have ready what runs' proxies need before the engine starts those that were left up."""
        node = self._node
        for folder in (node.proxies, node.filtered_socket.parent):
            folder.mkdir(parents=True, exist_ok=True)
        daemon = daemon_of(node, proxy_services.NAME, clock=self._clock)
        inside = namespaces.in_network(node.network_namespace)
        daemon.start([*self._group.join_argv("engine"), *inside, *proxy_services.argv(node)])

    def _route_proxies(self, chosen: Addresses) -> None:
        """All of their addresses are the node's own, be they in use or not, and this machine finds them."""
        node, proxies = self._node, str(chosen.proxies)
        enter = namespaces.in_network(node.network_namespace)
        check(self._runner([*enter, "ip", "route", "replace", "local", proxies, "dev", "lo"]))
        check(self._runner(["ip", "route", "replace", proxies, "dev", node.link("h")]))

    def _start_registry(self, wants: Wanted, chosen: Addresses) -> dict[str, str]:
        """The address of each upstream name."""
        self._say("registry: the distribution registry on addresses of its own")
        node, at = self._node, upstream.assigned(chosen.upstreams, before=self.upstreams())
        namespaces.make_network_namespace(node.upstream_namespace, self._runner)
        near = (namespaces.in_network(node.network_namespace), "uplink0", chosen.uplink)
        far = (node.upstream_namespace, upstream.INTERFACE, tuple(at.values()))
        namespaces.link(self._runner, near=near, far=far, prefix=26)
        upstream.start(node, at, authority=lab_authority(), clock=self._clock)
        upstream.shape(node, wants.bandwidth, self._runner)
        return at

    def _slirp_argv(self) -> tuple[str, ...]:
        """A way out in user space: no rule in the machine's firewall, and no way to its loopback."""
        options = ("--configure", "--mtu=1500", "--disable-host-loopback", "--netns-type=path")
        namespace = str(self._node.network_namespace)
        return (*self._group.join_argv("engine"), "slirp4netns", *options, namespace, "tap0")

    def _restart_if_changed(self, name: str, argv: Sequence[str]) -> None:
        """Start a daemon, or start it anew when its command line is another one than last time."""
        daemon = daemon_of(self._node, name, clock=self._clock)
        kept, line = self._node.runtime / f"{name}.argv", "\0".join(argv)
        if daemon.identity and kept.exists() and kept.read_text() != line:
            daemon.stop(patience=5)
        write_atomic(kept, line)
        daemon.start([*self._group.join_argv("engine"), *argv])
