"""What public recipes are known to ask for, and what of it is refused by default."""

from pathlib import Path

import msgspec
import pytest
from policy_recipe import judged, write

from cc_ci.recipes.linting.lint import configured
from cc_ci.recipes.policy.asked import permissions
from cc_ci.recipes.policy.judgement import judge
from cc_ci.recipes.policy.looking import Look
from cc_ci.recipes.recipe import read_recipe
from cc_ci.recipes.stack import read_stack

ROOT = Path(__file__).parents[3]
ROUTER = "traefik.http.routers.${STACK_NAME}"
TCP = "traefik.tcp.routers.${STACK_NAME}-x"
TCP_PORT = "traefik.tcp.services.${STACK_NAME}-x.loadbalancer.server.port=22"


class Pattern(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that recipes ask for; `trust`: the permissions it takes; `ours`: what our node has not."""

    what: str
    service: str = ""
    labels: str = ""
    top: str = ""
    trust: tuple[str, ...] = ()
    ours: int = 0
    remarks: int = 0


PATTERNS = (
    Pattern(what="a route, a generated secret, a volume, a versioned config"),
    Pattern(what="the host's clock, read-only", service="volumes: ['/etc/localtime:/etc/localtime:ro']",
            trust=("bind:/etc/localtime",)),
    Pattern(what="the host's time zone, writable", service="volumes: ['/etc/timezone:/etc/timezone']",
            trust=("bind-writable:/etc/timezone",)),
    Pattern(what="the engine's socket: proxies, backup bots, cron jobs, dashboards",
            service="volumes: ['/var/run/docker.sock:/var/run/docker.sock']", trust=("engine-socket",)),
    Pattern(what="volumes of all apps, for a backup", service="volumes: ['/var/lib/docker/volumes:/v']",
            trust=("bind-writable:/var/lib/docker/volumes",)),
    Pattern(what="the whole host, for monitoring", service="volumes: ['/:/rootfs:ro', '/sys:/sys:ro']",
            trust=("bind:/", "bind:/sys")),
    Pattern(what="the proxy's own ports", service="ports: ['80:80', '443:443']", ours=2),
    Pattern(what="ports of mail, games, telephony", service="ports: ['25:25', '10000:10000/udp']"),
    Pattern(what="a name server's port", service="ports: ['53:53/udp']", ours=1),
    Pattern(what="the proxy's dashboard", labels=f"{ROUTER}.service=api@internal", ours=1),
    Pattern(what="a middleware of the server's file", labels=f"{ROUTER}.middlewares=security@file", ours=1),
    Pattern(what="a middleware of its own", labels=f"{ROUTER}.middlewares=${{STACK_NAME}}-r\n"
            "traefik.http.middlewares.${STACK_NAME}-r.redirectscheme.scheme=https"),
    Pattern(what="ssh or another protocol at an entry point of its own",
            labels=f"{TCP}.rule=HostSNI(`*`)\n{TCP}.entrypoints=ssh\n{TCP_PORT}", remarks=1),
    Pattern(what="a second host below the app's",
            labels=f"{ROUTER}-s.rule=Host(`s3.${{DOMAIN}}`)\n{ROUTER}-s.service=${{STACK_NAME}}"),
    Pattern(what="log files of bounded size",
            service="logging: {driver: json-file, options: {max-size: 10m, max-file: '10'}}"),
    Pattern(what="capabilities given back in part", service="cap_drop: [ALL]\ncap_add: [CHOWN, SETUID]"),
    Pattern(what="a tunnel of its own", service="cap_add: [NET_ADMIN]\ndevices: [/dev/net/tun]\n"
            "sysctls: {net.ipv4.ip_forward: 1}",
            trust=("capability:NET_ADMIN", "device:/dev/net/tun", "sysctl:net.ipv4.ip_forward")),
    Pattern(what="a sandbox of its own, as office suites have", service="cap_add: [MKNOD]"),
    Pattern(what="a mount of its own, as office suites have", service="cap_add: [SYS_ADMIN]",
            trust=("capability:SYS_ADMIN",)),
    Pattern(what="a graphics card", service="devices: [/dev/dri]", trust=("device:/dev/dri",)),
    Pattern(what="the host's network", top="networks: {proxy: {external: true}, host: {external: true}}\n",
            trust=("network:host",)),
    Pattern(what="a network that several apps share",
            top="networks: {proxy: {external: true}, mail: {external: true}}\n",
            trust=("external-network:mail",)),
    Pattern(what="a volume on a file server",
            top="volumes: {data: {driver_opts: {type: nfs, o: 'addr=10.0.0.1,rw', device: ':/data'}}}\n",
            trust=("volume-options:data:device=:/data,o=addr=10.0.0.1,rw,type=nfs",)),
    Pattern(what="a volume that was there before", top="volumes: {data: {external: true, name: media}}\n",
            trust=("external-volume:media",)),
    Pattern(what="many open files and locked memory", service="ulimits: {nofile: 262144, memlock: -1}"),
    Pattern(what="long queues of connections", service="sysctls: {net.core.somaxconn: 1024}"),
    Pattern(what="a database's quiet end", service="stop_grace_period: 2m"),
    Pattern(what="a name for another app", service="extra_hosts: ['ldap:10.0.0.5']"),
    Pattern(what="a name for the host", service="extra_hosts: ['host.docker.internal:host-gateway']",
            trust=("host-gateway:host.docker.internal",)),
    Pattern(what="a place among nodes", service="hostname: '{{.Node.Hostname}}'"),
)  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.what)
def test_what_public_recipes_ask_for(tmp_path: Path, pattern: Pattern) -> None:
    root = write(tmp_path / "poc", service=pattern.service, labels=pattern.labels, top=pattern.top)
    judgement = judged(root)
    assert tuple(one.permission for one in judgement.refusals if one.blame == "policy") == pattern.trust
    assert sum(one.blame == "cc-ci" for one in judgement.refusals) == pattern.ours
    assert not [one.line for one in judgement.refusals if one.blame == "recipe"]
    assert len(judgement.remarks) == pattern.remarks
    assert judged(root, trusted=pattern.trust).refusals == tuple(
        one for one in judgement.refusals if one.blame == "cc-ci"
    )


def test_no_recipe_of_the_project_needs_trust() -> None:
    versions = sorted(path for path in (ROOT / "lab" / "recipes").glob("*/*") if path.is_dir())
    assert len(versions) >= 12
    for root in versions:
        recipe = read_recipe(root)
        assert permissions(recipe) == ()
        app = configured(recipe)
        assert judge(Look(app=app, stack=read_stack(app))).refusals == ()
