"""What a recipe may not have without being trusted with it, key by key, and what it may never have."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_recipe import DOMAIN, judged, needed, write

from cc_ci.errors import UsageError
from cc_ci.recipes.policy.looking import FOREIGN
from cc_ci.recipes.policy.permissions import KINDS, require_known

VOLUME = "volumes:\n  data:\n"


def test_a_sound_recipe_is_refused_nothing(tmp_path: Path) -> None:
    judgement = judged(write(tmp_path / "poc"))
    assert judgement.refusals == judgement.remarks == ()


HOST_PATHS = [
    ("volumes: ['/:/host']", ["bind-writable:/"]),
    ("volumes: ['/proc:/p:ro']", ["bind:/proc"]),
    ("volumes: ['/etc/../etc//passwd:/p:ro']", ["bind:/etc/passwd"]),
    ("volumes: ['//etc:/p:ro']", ["bind:/etc"]),
    ("volumes: ['./conf:/etc/app']", ["bind-writable:./conf"]),
    ("volumes: ['../../up:/up:ro']", None),
    ("volumes: ['/var/run/docker.sock:/var/run/docker.sock:ro']", ["engine-socket"]),
    ("volumes: ['/run/x/../docker.sock:/s']", ["engine-socket"]),
    ("volumes: ['/run:/r:ro']", ["bind:/run"]),
    ("volumes: ['/mnt:/m:ro,rshared']", ["bind:/mnt", "bind-propagation:/mnt"]),
    ("volumes: [{type: bind, source: /mnt, target: /m, bind: {propagation: slave}}]",
     ["bind-writable:/mnt", "bind-propagation:/mnt"]),
    (r"volumes: [{type: npipe, source: '\\.\pipe\docker', target: /m}]", [r"npipe:\\.\pipe\docker"]),
    ("volumes: [{type: cluster, source: shared, target: /m}]", ["cluster-volume:shared"]),
]  # fmt: skip


@pytest.mark.parametrize(("service", "permissions"), HOST_PATHS)
@pytest.mark.attack(
    what="A service binds /, /proc, the engine's socket or another path of the host, in any spelling.",
    before="The container read and wrote the host's files, and the run was green.",
    now="Each path needs its own permission, with file and line; a read-only one allows no writing.",
    layer="reading",
)
def test_paths_of_the_host(tmp_path: Path, service: str, permissions: list[str] | None) -> None:
    judgement = judged(write(tmp_path / "poc", service=service))
    if permissions is None:
        (name,) = needed(judgement)
        assert name
        assert name.startswith("bind:/")
    else:
        assert needed(judgement) == permissions
    assert all(str(one.source).startswith("compose.yml:14") for one in judgement.refusals)


PRIVILEGES = [
    ("cap_add: [NET_ADMIN]", ["capability:NET_ADMIN"]),
    ("cap_add: [cap_sys_admin, ALL]", ["capability:SYS_ADMIN", "capability:ALL"]),
    ("cap_drop: [ALL]\ncap_add: [CHOWN, CAP_SETUID, net_bind_service]", []),
    ("privileged: true", ["privileged:app"]),
    ("privileged: false", []),
    ("devices: ['/dev/fuse:/dev/fuse:rwm', /dev/kmsg]", ["device:/dev/fuse", "device:/dev/kmsg"]),
    ("security_opt: ['apparmor:unconfined']", ["security-option:apparmor:unconfined"]),
    ("security_opt: ['no-new-privileges:true']", []),
    ("pid: host", ["pid:host"]),
    ("pid: 'container:abc'", ["pid:container:abc"]),
    ("ipc: host", ["ipc:host"]),
    ("ipc: private", []),
    ("network_mode: host", ["network:host"]),
    ("userns_mode: host", ["userns:host"]),
    ("cgroupns_mode: host", ["cgroupns:host"]),
    ("cgroup_parent: /", ["cgroup-parent:/"]),
    ("isolation: hyperv", ["isolation:hyperv"]),
    ("credential_spec: {file: x.json}", ["credential-spec:app"]),
    ("sysctls: {kernel.core_pattern: '|/x', net.core.somaxconn: 1024}", ["sysctl:kernel.core_pattern"]),
    ("sysctls: ['net.ipv4.ip_forward=1']", ["sysctl:net.ipv4.ip_forward"]),
    ("ulimits: {rtprio: 99, nofile: {soft: 1, hard: 2}, memlock: -1}", ["ulimit:rtprio"]),
    ("oom_score_adj: -1000", ["oom-score:app:-1000"]),
    ("oom_score_adj: 100", []),
    ("extra_hosts: ['up:host-gateway', 'a:10.0.0.1']", ["host-gateway:up"]),
    ("stop_grace_period: 10m", ["grace:app:10m0s"]),
    ("stop_grace_period: 5m", []),
    ("logging: {driver: syslog, options: {syslog-address: 'tcp://x:1'}}",
     ["log-driver:syslog", "log-option:syslog-address=tcp://x:1"]),
    ("logging: {driver: none}", ["log-driver:none"]),
    ("ports: ['20000-20250:20000-20250/udp']", ["ports:app:251"]),
    ("ports: ['20000-20100:20000-20100/udp']", []),
    ("logging: {driver: json-file, options: {max-size: 10m, max-file: '10'}}", []),
    ("logging: {driver: json-file, options: {max-size: '-1'}}", ["log-option:max-size=-1"]),
    ("logging: {driver: json-file, options: {max-size: 1g, max-file: '99'}}", ["log-option:max-size=1g"]),
    ("logging: {driver: local, options: {max-file: '99999999999'}}", ["log-option:max-file=99999999999"]),
]  # fmt: skip


@pytest.mark.parametrize(("service", "permissions"), PRIVILEGES)
@pytest.mark.attack(
    what="A service asks for capabilities, devices, namespaces, limits or logging beyond its own container.",
    before="The service got whatever Swarm passes on, without a warning.",
    now="Each needs a permission that names the thing and its value.",
    layer="reading",
)
def test_privileges_of_a_service(tmp_path: Path, service: str, permissions: list[str]) -> None:
    judgement = judged(write(tmp_path / "poc", service=service))
    assert needed(judgement) == permissions
    assert all(one.blame == "policy" and one.source for one in judgement.refusals)


def test_resources_of_the_host_and_very_many_tasks(tmp_path: Path) -> None:
    deploy = (
        "      replicas: 6000\n"
        "      resources:\n        reservations:\n          generic_resources:\n"
        "            - discrete_resource_spec: {kind: gpu, value: 2}\n"
    )
    root = write(tmp_path / "poc")
    text = (root / "compose.yml").read_text().replace("      labels:\n", f"{deploy}      labels:\n")
    (root / "compose.yml").write_text(text)
    assert needed(judged(root)) == ["replicas:app:6000", "generic-resource:gpu"]


SECTIONS = [
    ("volumes: {data: {driver_opts: {type: none, o: bind, device: /}}}",
     ["volume-options:data:device=/,o=bind,type=none"]),
    ("volumes: {data: {driver_opts: {type: tmpfs, device: tmpfs, o: 'size=10m,uid=1000'}}}", []),
    ("volumes: {data: {driver_opts: {type: tmpfs, o: 'size=1m,bind'}}}",
     ["volume-options:data:o=size=1m,bind,type=tmpfs"]),
    ("volumes: {data: {driver: rclone}}", ["volume-driver:rclone"]),
    ("volumes: {data: {x-cluster-spec: {group: g}}}", ["cluster-volume:data"]),
    ("volumes: {data: {external: true}}", ["external-volume:data"]),
    ("volumes: {data: {external: true, name: '${STACK_NAME}_data'}}", ["external-volume:{STACK_NAME}_data"]),
    ("volumes: {data: {name: shop_db}}", ["volume-name:shop_db"]),
    ("volumes: {data: {name: '${STACK_NAME}_db'}}", []),
    ("volumes: {data: {name: '${DOMAIN}-db'}}", []),
    ("volumes: {data: {name: '${STACK_NAME}db'}}", ["volume-name:{STACK_NAME}db"]),
    ("volumes: {data: {name: '${STACK_NAME}_{{.Task.Slot}}'}}", ["volume-name:{STACK_NAME}_{{.Task.Slot}}"]),
    ("configs: {c: {external: true}}", ["external-config:c"]),
    ("configs: {c: {file: compose.yml, name: shared}}", ["config-name:shared"]),
    ("configs: {c: {driver: plug}}", ["secret-driver:plug"]),
    ("configs: {c: {file: compose.yml, template_driver: other}}", ["template-driver:other"]),
    ("configs: {c: {file: compose.yml, template_driver: golang}}", []),
    ("secrets: {s: {external: true}}", ["external-secret:s"]),
    ("secrets: {s: {external: true, name: '${STACK_NAME}_s_v1'}}", []),
    ("secrets: {s: {external: true, name: 'shop-1a2b3c_ci_test_db_v1'}}",
     ["external-secret:shop-1a2b3c_ci_test_db_v1"]),
    ("networks: {proxy: {external: true}, other: {external: true}}", ["external-network:other"]),
    ("networks: {proxy: {external: true}, net: {external: true, name: host}}", ["network:host"]),
    ("networks: {proxy: {external: true}, n: {external: true, name: ingress}}", ["external-network:ingress"]),
    ("networks: {proxy: {external: true}, net: {driver: macvlan}}", ["network-driver:macvlan"]),
    ("networks: {proxy: {external: true}, net: {driver_opts: {encrypted: '', x: y}}}",
     ["network-options:net:x=y"]),
    ("networks: {proxy: {external: true}, net: {ipam: {driver: evil, config: [{subnet: 10.0.0.0/8}]}}}",
     ["network-driver:evil", "subnet:10.0.0.0/8"]),
    ("networks: {proxy: {external: true}, net: {name: proxy}}", ["network-name:proxy"]),
]  # fmt: skip


@pytest.mark.parametrize(("top", "permissions"), SECTIONS)
@pytest.mark.attack(
    what="Volumes, networks, configs or secrets are somebody else's, or come from options and plug-ins.",
    before="Other people's data was mounted and removed with the run's; options mounted any host path.",
    now="Every option, and every name outside the app's stack, needs a permission that names it in full.",
    layer="reading",
)
def test_what_a_stack_makes_or_finds(tmp_path: Path, top: str, permissions: list[str]) -> None:
    judgement = judged(write(tmp_path / "poc", top=f"{top}\n"))
    assert needed(judgement) == permissions
    assert all(one.source for one in judgement.refusals)


PROXY = "proxy: {external: true}"
FAULTS = [
    ("", "cc-ci.run=other", "", "cc-ci.run: says whose it is and is cc-ci's to set"),
    ("", "CC-CI.expires=1", "", "CC-CI.expires: says whose it is"),
    ("", "com.docker.stack.namespace=shop", "", "com.docker.stack.namespace: is docker's own"),
    ("labels: {cc-ci.role: proxy}", "", "", "services.app.labels.cc-ci.role: says whose it is"),
    ("", "", "volumes: {data: {labels: {cc-ci.run: x}}}", "volumes.data.labels.cc-ci.run: says"),
    ("", "", "volumes: {data: {name: ../../etc}}", "'../../etc' is no volume's name"),
    ("", "", 'volumes: {data: {name: "a\\nb"}}', "is no volume's name"),
    ("", "", "configs: {c: {file: compose.yml, name: '${STACK_NAME}_cc-ci-ca'}}", "a name that cc-ci gives"),
    ("", "", f"networks: {{{PROXY}, n: {{name: '${{STACK_NAME}}_ccproxy'}}}}", "a name that cc-ci gives"),
    ("", "", f"secrets: {{s: {{external: true, name: '{'x' * 65}'}}}}", "a secret's name ends at 64"),
    ("ports: [{target: 80, published: 99999}]", "", "", "99999 is no port"),
    ("", "", "configs: {c: {file: .git/config}}", ".git/config is git's own, and no file of the recipe"),
    ("stop_grace_period: -5s", "", "", "is less than nothing"),
]


@pytest.mark.parametrize(("service", "labels", "top", "said"), FAULTS)
@pytest.mark.attack(
    what="A recipe sets labels that belong to cc-ci or Docker, or uses names that are paths or cc-ci's.",
    before="Its things passed as another run's or the node's, and were kept or removed accordingly.",
    now="The recipe fails with file, line and key; no permission allows this.",
    layer="reading",
)
def test_what_no_recipe_may_have(tmp_path: Path, service: str, labels: str, top: str, said: str) -> None:
    root = write(tmp_path / "poc", service=service, labels=labels, top=f"{top}\n" if top else "")
    (root / ".git").mkdir()
    (root / ".git" / "config").write_text("[remote]\n")
    (refusal,) = judged(root).refusals
    assert (refusal.blame, refusal.permission) == ("recipe", None)
    assert said in refusal.line
    assert refusal.line.startswith("compose.yml:")


def test_a_permission_opens_one_thing(tmp_path: Path) -> None:
    volumes = "volumes: ['/etc/localtime:/etc/localtime:ro', '/etc/timezone:/etc/timezone']"
    root = write(tmp_path / "poc", service=volumes)
    assert needed(judged(root)) == ["bind:/etc/localtime", "bind-writable:/etc/timezone"]
    judgement = judged(root, trusted=("bind:/etc/localtime", "bind:/etc/timezone"))
    assert needed(judgement) == ["bind-writable:/etc/timezone"]
    assert judgement.trusted == ("bind:/etc/localtime",)
    assert judgement.idle == (
        "bind:/etc/timezone: trusted, and not needed; did you mean bind-writable:/etc/timezone?",
    )


def test_a_permission_is_the_same_in_every_run(tmp_path: Path) -> None:
    root = write(tmp_path / "poc", service="volumes: ['/srv/${DOMAIN}:/d:ro']")
    assert needed(judged(root)) == needed(judged(root, domain="poc-ffffff.ci.test")) == ["bind:/srv/{DOMAIN}"]


def test_ports_of_the_nodes_own_are_ours_to_be_sorry_for(tmp_path: Path) -> None:
    root = write(tmp_path / "poc", service="ports: ['443:443', '8448:8448', '53:53/udp', '53:53']")
    refused = judged(root).refusals
    assert [(one.blame, one.key) for one in refused] == [
        ("cc-ci", "services.app.ports.443"),
        ("cc-ci", "services.app.ports.53"),
        ("cc-ci", "services.app.ports.53"),
    ]
    assert "the node can't give port 443/tcp: its proxy has it" in refused[0].line
    assert str(refused[0].source) == "compose.yml:14"


def test_on_a_server_that_is_not_ours_every_port_needs_trust(tmp_path: Path) -> None:
    root = write(tmp_path / "poc", service="ports: ['8448:8448/udp', '443:443']")
    assert [(one.blame, one.permission) for one in judged(root, place=FOREIGN).refusals] == [
        ("cc-ci", None),
        ("policy", "port:8448/udp"),
    ]


def test_two_services_want_one_port(tmp_path: Path) -> None:
    root = write(tmp_path / "poc", service="ports: ['8448:80']")
    text = (root / "compose.yml").read_text()
    other = "  other:\n    image: nginx:1.26.3\n    networks: [proxy]\n    ports: ['8448:81']\n"
    (root / "compose.yml").write_text(text.replace("networks:\n  proxy", f"{other}networks:\n  proxy"))
    (refusal,) = judged(root).refusals
    assert refusal.line == (
        "compose.yml:18: services.other.ports.8448: service app publishes port 8448/tcp, too"
    )


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("bnd:/etc/localtime", "no such permission; did you mean bind?"),
        ("all", "no such permission"),
        ("bind", "must be bind:PATH"),
        ("bind:", "must be bind:PATH"),
        ("engine-socket:x", "must be engine-socket"),
        ("", "no such permission"),
        ("*", "no such permission"),
    ],
)
def test_a_name_of_no_permission_is_refused(name: str, hint: str) -> None:
    with pytest.raises(UsageError) as refused:
        require_known([name])
    assert hint in str(refused.value)


def test_every_permission_that_is_asked_for_is_a_known_one(tmp_path: Path) -> None:
    rows = [*HOST_PATHS, *PRIVILEGES]
    roots = [write(tmp_path / str(number) / "poc", service=row[0]) for number, row in enumerate(rows)]
    roots += [
        write(tmp_path / f"s{number}" / "poc", top=f"{row[0]}\n") for number, row in enumerate(SECTIONS)
    ]
    names = {name for root in roots for name in needed(judged(root)) if name}
    require_known(names)
    seen = {name.partition(":")[0] for name in names}
    unseen = {form.partition(":")[0] for form in KINDS} - seen
    assert unseen == {"port", "replicas", "generic-resource", "secret-name", "entrypoint", "proxy-address"}


@given(st.text(max_size=40))
def test_no_name_breaks_the_check_of_names(name: str) -> None:
    with contextlib.suppress(UsageError):
        require_known([name])


def test_the_domain_stands_for_nobody_else(tmp_path: Path) -> None:
    """A name that only begins like the app's is another's."""
    top = f"volumes: {{data: {{name: '{DOMAIN.replace('.', '_')}x'}}}}\n"
    assert needed(judged(write(tmp_path / "poc", top=top))) == ["volume-name:{STACK_NAME}x"]
