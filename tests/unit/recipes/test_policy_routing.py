"""What is said of a recipe's routes from its labels alone, before anything is deployed."""

from pathlib import Path

import pytest
from policy_recipe import DOMAIN, app_of, judged, needed, write

from cc_ci.recipes.linting.lint import lint
from cc_ci.recipes.policy.looking import FOREIGN, Place
from cc_ci.recipes.recipe import read_recipe
from cc_ci.recipes.routes import front_doors, routes
from cc_ci.recipes.stack import read_stack

ROUTER = "traefik.http.routers.${STACK_NAME}"


@pytest.mark.parametrize(
    ("rule", "blame", "said"),
    [
        (
            "Host(`shop-1a2b3c.ci.test`)",
            "recipe",
            "takes hosts that are neither the app's domain nor below it",
        ),
        ("Host(`ci.test`)", "recipe", "neither the app's domain nor below it"),
        ("PathPrefix(`/`)", "recipe", "takes requests for any host"),
        ("HostRegexp(`.+`)", "recipe", "neither the app's domain nor below it"),
        ("Host(`${DOMAIN}`) || PathPrefix(`/api`)", "recipe", "takes requests for any host"),
        ("!Host(`${DOMAIN}`)", "recipe", "neither the app's domain nor below it"),
        ("Host(`../../../etc/x`)", "recipe", "'../../../etc/x' is no host name"),
        ("Host(`xn--a.${DOMAIN}`)", "recipe", "is no host name"),
        ("Host(`a_b.${DOMAIN}`)", "recipe", "is no host name"),
        ("Host(`${NOWHERE}`)", "recipe", "is no rule: Host(``): an argument is empty"),
        ("Host(`${DOMAIN}`, `shop.ci.test`)", "recipe", "neither the app's domain nor below it"),
        ("HostRegexp(`{any:.+}`)", "recipe", "neither the app's domain nor below it"),
        ("Hots(`${DOMAIN}`)", "recipe", "is no rule: 'Hots' is no matcher"),
        ("Host(`${OTHER}`)", "policy", "give OTHER a name below the app's under env in suite.toml"),
        ("Host(`${DOMAIN}`) && Method(`POST`)", "cc-ci", "no request of cc-ci's gets through its rule"),
        ("Host(`${DOMAIN}`) && ClientIP(`203.0.113.7`)", "cc-ci", "no request of cc-ci's gets through"),
    ],
)
@pytest.mark.attack(
    what="A router takes another run's host, every host, or a host that is a path.",
    before="It served the other run's users, or wrote and deleted files at a path in its name.",
    now="It is refused before the run, with the label's file and line; the verdict names whose fault it is.",
    layer="reading",
)
def test_a_rule_that_is_not_the_apps_own(tmp_path: Path, rule: str, blame: str, said: str) -> None:
    root = write(tmp_path / "poc", rule=rule, env="OTHER=files.example.org\n")
    (refusal,) = judged(root).refusals
    assert (refusal.blame, refusal.permission) == (blame, None)
    assert said in refusal.line
    assert refusal.line.startswith("compose.yml:10: services.app.deploy.labels.traefik.http.routers.")
    assert DOMAIN not in refusal.what


@pytest.mark.parametrize(
    ("rule", "further"),
    [
        ("Host(`${DOMAIN}`, `www.${DOMAIN}`)", ""),
        ("Host(`${DOMAIN}`${EXTRA_DOMAINS})", 'EXTRA_DOMAINS=", `www.${DOMAIN}`"\n'),
        ("HostRegexp(`{sub:[a-z]+}.${DOMAIN}`) || Host(`${DOMAIN}`)", ""),
        ("Host(`${DOMAIN}`) && Headers(`X-A`, `1`)", ""),
        ("Host(`${DOMAIN}`) && PathPrefix(`/a`, `/b`)", ""),
    ],
)
def test_a_recipe_for_traefik_2_is_read_as_it_is_meant(tmp_path: Path, rule: str, further: str) -> None:
    root = write(tmp_path / "poc", rule=rule, env=further)
    assert judged(root).refusals == ()
    assert {route.syntax for route in routes(read_stack(app_of(root)))} == {"v2"}
    (finding,) = (one for one in lint(read_recipe(root)).findings if one.rule == "C021")
    assert (finding.severity, finding.where) == ("warning", "compose.yml:10")
    assert "is in the syntax of Traefik 2, and Traefik 3 drops the router" in finding.message


@pytest.mark.parametrize(
    "rule",
    ["Host(`${DOMAIN}`) || Host(`www.${DOMAIN}`)", "Host(`${DOMAIN}`) && PathRegexp(`^/[a-z]{2}`)"],
)
def test_a_recipe_that_traefik_3_reads_is_read_so(tmp_path: Path, rule: str) -> None:
    root = write(tmp_path / "poc", rule=rule)
    assert judged(root).refusals == ()
    assert {route.syntax for route in routes(read_stack(app_of(root)))} == {"v3"}
    assert not [one for one in lint(read_recipe(root)).findings if one.rule == "C021"]


def test_rules_for_two_versions_are_read_by_no_proxy(tmp_path: Path) -> None:
    further = f"{ROUTER}-b.rule=PathRegexp(`^/b`) && Host(`b.${{DOMAIN}}`)\n{ROUTER}-b.{TO_OWN}"
    root = write(tmp_path / "poc", rule="Host(`${DOMAIN}`, `www.${DOMAIN}`)", labels=further)
    (refusal,) = judged(root).refusals
    assert refusal.blame == "recipe"
    assert "syntax of Traefik 2, and another router's rule is in that of 3: no proxy reads" in refusal.what
    # where labels say so, Traefik 3 reads each in its own
    told = write(
        tmp_path / "told",
        rule="Host(`${DOMAIN}`, `www.${DOMAIN}`)",
        labels=f"{further}\n{ROUTER}.ruleSyntax=v2",
    )
    assert judged(told).refusals == ()
    wrong = write(tmp_path / "wrong", rule="PathRegexp(`^/`)", labels=f"{ROUTER}.ruleSyntax=v2")
    assert (
        "its label says ruleSyntax=v2, and Traefik drops it: 'PathRegexp'" in judged(wrong).refusals[0].what
    )


def test_a_run_whose_proxy_reads_the_other_syntax_says_so(tmp_path: Path) -> None:
    root = write(tmp_path / "poc", rule="Host(`${DOMAIN}`, `www.${DOMAIN}`)")
    (refusal,) = judged(root, place=Place(syntax="v3")).refusals
    assert (refusal.blame, "the version under test is in that of 3" in refusal.what) == ("cc-ci", True)
    both = write(tmp_path / "both", rule="Host(`${DOMAIN}`)")
    assert judged(both, place=Place(syntax="v2")).refusals == ()


@pytest.mark.attack(
    what="A rule takes only the app's host in one version of Traefik, and any host in the other version.",
    before="Every rule that only version 2 can read was refused.",
    now="If the proxy is not cc-ci's, the rule must take only the app's hosts in both versions.",
    layer="reading",
)
@pytest.mark.parametrize(
    ("pattern", "sound"),
    [
        # to version 3 these are alternatives, one of which is in every host, or in many
        ("|{x:a}.${DOMAIN}", False),
        ("{x:www|api|files}.${DOMAIN}", False),
        ("a{1}|{x:a}.${DOMAIN}", False),
        ("{x:[a-z]+}.${DOMAIN}", True),
        (r"^.+\\.${DOMAIN}$$", True),
    ],
)
def test_a_rule_is_the_apps_own_in_each_version(tmp_path: Path, pattern: str, *, sound: bool) -> None:
    root = write(tmp_path / "poc", rule=f"Host(`${{DOMAIN}}`) || HostRegexp(`{pattern}`)")
    assert judged(root).refusals == ()
    assert (judged(root, place=FOREIGN).refusals == ()) == sound


def test_a_host_that_the_suite_gives_is_the_apps_own(tmp_path: Path) -> None:
    root = write(tmp_path / "poc", rule="Host(`${OTHER}`)", env="OTHER=files.${DOMAIN}\n")
    assert judged(root).refusals == ()


def test_an_empty_rule_and_no_rule_get_a_host_that_nobody_asks_for(tmp_path: Path) -> None:
    root = write(tmp_path / "poc", rule=" ")
    (refusal,) = judged(root).refusals
    assert "is empty, so that Traefik makes up a host of its own" in refusal.line
    text = (root / "compose.yml").read_text()
    (root / "compose.yml").write_text(
        "".join(line for line in text.splitlines(keepends=True) if ".rule" not in line)
    )
    (refusal,) = judged(root).refusals
    assert refusal.line.startswith("compose.yml:10: ")
    assert ".entrypoints: is empty" in refusal.line


def test_no_router_is_said_where_there_is_a_domain(tmp_path: Path) -> None:
    root = write(tmp_path / "poc")
    text = (root / "compose.yml").read_text()
    (root / "compose.yml").write_text(text.replace('"traefik.enable=true"', '"traefik.enable=false"'))
    (refusal,) = judged(root).refusals
    assert refusal.line.startswith("compose.yml:7: services.app.deploy.labels: no service has a router")
    assert judged(root, web=False).refusals == ()
    (root / ".env.sample").write_text("TYPE=poc\n#DOMAIN=poc.example.com\n")
    assert judged(root).refusals == ()
    assert len(judged(root, web=True).refusals) == 1


def test_a_routed_service_has_to_be_where_the_proxy_is(tmp_path: Path) -> None:
    root = write(tmp_path / "poc")
    text = (root / "compose.yml").read_text()
    (root / "compose.yml").write_text(text.replace("networks: [proxy]", "networks: [inner]") + "  inner:\n")
    (refusal,) = judged(root).refusals
    assert refusal.line.startswith(
        "compose.yml:5: services.app.networks: is routed and not on the network `proxy`"
    )


SSH = "traefik.tcp.routers.s"
SSH_PORT = "traefik.tcp.services.s.loadbalancer.server.port=22"
MADE_A = "traefik.http.middlewares.a.compress=true"
TO_OWN = "service=${STACK_NAME}"
HEALTH = "traefik.http.services.${STACK_NAME}.loadbalancer.healthcheck"
ASKED = "traefik.http.middlewares.{}.forwardauth.address={}"
CASES: list[tuple[list[str], list[str], list[str]]] = [
    # what recipes have: a TCP entry point of their own, which the node's proxy does not have
    ([f"{SSH}.rule=HostSNI(`*`)", f"{SSH}.entrypoints=ssh", SSH_PORT], [], ["router s listens at ssh"]),
    ([f"{SSH}.rule=HostSNI(`*`)", f"{SSH}.entrypoints=web-secure", SSH_PORT], ["by TCP at web-secure"], []),
    ([f"{SSH}.rule=HostSNI(`*`)", SSH_PORT], ["takes all that comes in by TCP at web, web-secure"], []),
    ([f"{SSH}.rule=HostSNI(`shop.ci.test`)", SSH_PORT], ["neither the app's domain"], []),
    ([f"{SSH}.rule=HostSNI(`${{DOMAIN}}`)", SSH_PORT], [], []),
    (
        ["traefik.udp.routers.s.entrypoints=web", "traefik.udp.services.s.loadbalancer.server.port=53"],
        ["takes all that comes in by UDP at web"],
        [],
    ),
    (
        [
            f"{ROUTER}-b.rule=Host(`b.${{DOMAIN}}`)",
            f"{ROUTER}-b.entrypoints=federation",
            f"{ROUTER}-b.{TO_OWN}",
        ],
        [],
        ["listens at federation"],
    ),
    ([f"{ROUTER}.entrypoints=federation"], ["and the node's proxy has web, web-secure only"], []),
    ([f"{ROUTER}.middlewares=security@file"], ["security@file, which the node's proxy does not have"], []),
    ([f"{ROUTER}.middlewares=shop-1a2b3c_ci_test-auth"], ["no label of the recipe makes it"], []),
    ([f"{ROUTER}.middlewares=other@swarm"], ["no label of the recipe makes it"], []),
    ([f"{ROUTER}.middlewares=a@docker", MADE_A], ["a@docker, which the node's proxy does not have"], []),
    ([f"{ROUTER}.middlewares=a@swarm,b", MADE_A, "traefik.http.middlewares.b.chain.middlewares=a"], [], []),
    ([f"{ROUTER}.service=api@internal"], ["api@internal, which the node's proxy does not have"], []),
    ([f"{ROUTER}.service=shop-1a2b3c_ci_test@swarm"], ["names the service shop-1a2b3c_ci_test@swarm"], []),
    (["traefik.http.services.${STACK_NAME}.loadbalancer.server.port=web"], ["'web' is no port"], []),
    (
        ["traefik.http.services.b.loadbalancer.server.port=81", f"{ROUTER}-b.rule=Host(`b.${{DOMAIN}}`)"],
        ["-b names no service, and there are ${STACK_NAME}, b"],
        [],
    ),
    (
        ["traefik.http.services.${STACK_NAME}.loadbalancer.server.url=http://127.0.0.1:5000"],
        ["has the proxy ask http://127.0.0.1:5000, which is not the app's own"],
        [],
    ),
    ([f"{HEALTH}.path=http://169.254.169.254/x"], ["has the proxy ask http://169.254.169.254/x"], []),
    ([f"{HEALTH}.path=//169.254.169.254/x"], ["has the proxy ask //169.254.169.254/x"], []),
    ([f"{HEALTH}.path=/healthz", f"{HEALTH}.interval=10s"], [], []),
    ([ASKED.format("a", "http://169.254.169.254/")], ["has the proxy ask http://169.254.169.254/"], []),
    ([ASKED.format("a", "http://app@10.0.0.1/")], ["has the proxy ask http://app@10.0.0.1/"], []),
    ([ASKED.format("a", "http://app:4180/"), ASKED.format("b", "https://auth.${DOMAIN}/x")], [], []),
    (["traefik.tls.stores.default.defaultcertificate.certfile=/x"], ["changes the proxy for everyone"], []),
    (["TRAEFIK.http.routers.x.rule=PathPrefix(`/`)"], ["is no label that Traefik understands"], []),
    (["traefik.http.routers=x"], ["is no label that Traefik understands"], []),
    (["traefik.HTTP.Routers.evil.RULE=PathPrefix(`/`)"], ["takes requests for any host"], []),
    ([f"{ROUTER}.tls.domains[0].main=shop.ci.test"], ["'shop.ci.test' is neither the app's domain"], []),
    ([f"{ROUTER}.tls.domains[0].sans=*.${{DOMAIN}},*.ci.test"], ["'*.ci.test' is neither the app's"], []),
    (
        [f"{ROUTER}.tls.options=modern@file"],
        ["names the option modern@file, which the node's proxy does not have"],
        [],
    ),
    ([f"{ROUTER}.tls.options=default"], [], []),
    (
        ["traefik.http.services.${STACK_NAME}.loadbalancer.serverstransport=shop@swarm"],
        ["names the serverstransport shop@swarm, and no label of the recipe makes it"],
        [],
    ),
    (["traefik.enable=yes"], ["'yes' is neither true nor false"], []),
    ([f"{ROUTER}-p.rule=Host(`${{DOMAIN}}`)", f"{ROUTER}-p.priority=99999", f"{ROUTER}-p.{TO_OWN}"], [], []),
]


@pytest.mark.parametrize(("labels", "refused", "remarked"), CASES)
@pytest.mark.attack(
    what="Labels take a whole TCP port, use another run's middleware, or make the proxy request an address.",
    before="Traefik obeyed: it treats the labels of all apps on a node as one set.",
    now="A label may name only the recipe's own things; an address for the proxy needs a permission.",
    layer="reading",
)
def test_what_labels_ask_of_the_proxy(
    tmp_path: Path, labels: list[str], refused: list[str], remarked: list[str]
) -> None:
    judgement = judged(write(tmp_path / "poc", labels="\n".join(labels)))
    for found, wanted in ((judgement.refusals, refused), (judgement.remarks, remarked)):
        assert len(found) == len(wanted), [one.line for one in found]
        assert all(text in one.line for text, one in zip(wanted, found, strict=True)), [
            one.line for one in found
        ]
    assert all(str(one.source).startswith("compose.yml:") for one in judgement.refusals)


def test_enabled_is_what_go_takes_for_true(tmp_path: Path) -> None:
    root = write(tmp_path / "poc", rule="PathPrefix(`/`)")
    text = (root / "compose.yml").read_text()
    for value in ("1", "t", "T", "TRUE", "True"):
        (root / "compose.yml").write_text(text.replace("traefik.enable=true", f"traefik.enable={value}"))
        (refusal,) = judged(root).refusals
        assert "takes requests for any host" in refusal.line


def test_without_a_port_swarm_routes_nothing(tmp_path: Path) -> None:
    root = write(tmp_path / "poc")
    text = (root / "compose.yml").read_text()
    (root / "compose.yml").write_text(
        "".join(line for line in text.splitlines(keepends=True) if ".port=" not in line)
    )
    (refusal,) = judged(root).refusals
    assert "no label says which port to send requests to; add traefik.http.services" in refusal.line


def test_on_a_server_that_is_not_ours_an_entry_point_needs_trust(tmp_path: Path) -> None:
    labels = (
        "traefik.tcp.routers.s.rule=HostSNI(`*`)\ntraefik.tcp.routers.s.entrypoints=ssh\n"
        "traefik.tcp.services.s.loadbalancer.server.port=22\n"
        f"{ROUTER}.middlewares=security@file"
    )
    root = write(tmp_path / "poc", labels=labels)
    assert needed(judged(root, place=FOREIGN)) == ["entrypoint:ssh"]
    assert judged(root, place=FOREIGN, trusted=("entrypoint:ssh",)).refusals == ()


def test_the_front_door_is_a_path_inside_of_a_rule(tmp_path: Path) -> None:
    root = write(
        tmp_path / "poc",
        rule="Host(`${DOMAIN}`) && PathPrefix(`/api`)",
        labels=f"{ROUTER}-w.rule=Host(`w.${{DOMAIN}}`)\n{ROUTER}-w.service=${{STACK_NAME}}",
    )
    doors = front_doors(routes(read_stack(app_of(root))), domain=DOMAIN)
    assert [(one.host, one.path) for one in doors] == [(DOMAIN, "/api"), (f"w.{DOMAIN}", "/")]
