from pathlib import Path

import pytest

from cc_ci.engine.state import ServiceState, StackSnapshot, UpdateStatus
from cc_ci.probes.answers import Answer, Certificate, Problem
from cc_ci.probes.generic import explain, proxy_checks, service_checks
from cc_ci.probes.ready import LOOK_TIMEOUT
from cc_ci.recipes.configuring import configure
from cc_ci.recipes.recipe import read_recipe
from cc_ci.recipes.routes import routes
from cc_ci.recipes.stack import Stack, read_stack

COMPOSE = """\
version: "3.8"
services:
  app:
    image: nginx:1.26
    deploy:
      labels:
        - "traefik.enable=true"
        - "traefik.http.routers.web.rule=Host(`${DOMAIN}`)"
        - "traefik.http.routers.web.entrypoints=web-secure"
        - "traefik.http.routers.web.tls.certresolver=${LETS_ENCRYPT_ENV}"
  db:
    image: postgres:15
"""
DOMAIN = "web.ci.test"
HTTPS, HTTP = f"https://{DOMAIN}/", f"http://{DOMAIN}/"
REDIRECT = Answer(url=HTTP, status=308, headers={"location": HTTPS})
GOOD = Answer(url=HTTPS, status=200, headers={"server": "nginx"})
OWN_404 = Answer(url=HTTPS, status=404, headers={"content-type": "text/plain"}, body="404 page not found\n")
DEFAULT = Certificate(
    subject="CN=TRAEFIK DEFAULT CERT", names=("x.traefik.default",), issuer="CN=x", not_after=""
)
OTHER = Certificate(subject="CN=b", names=("b.ci.test",), issuer="CN=lab", not_after="")
UNTRUSTED = Problem(kind="certificate", detail="unable to get local issuer certificate")
GONE = Problem(kind="unreachable", detail="refused")


class Answers:
    def __init__(self, secure: Answer, plain: Answer) -> None:
        self.by_url = {HTTPS: secure, HTTP: plain}

    def request(self, _method: str, url: str, **_options: object) -> Answer:
        return self.by_url[url]


def make_stack(folder: Path, compose: str = COMPOSE) -> Stack:
    (folder / "compose.yml").write_text(compose)
    (folder / ".env.sample").write_text("TYPE=web\nDOMAIN=web.example.com\nLETS_ENCRYPT_ENV=production\n")
    return read_stack(configure(read_recipe(folder), domain=DOMAIN))


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return make_stack(tmp_path)


def checked(stack: Stack, secure: Answer, plain: Answer = REDIRECT) -> dict[str, tuple[str, str | None]]:
    found = proxy_checks(Answers(secure, plain), domain=DOMAIN, stack=stack, routes=routes(stack))
    return {check.id.removeprefix("generic: "): (check.outcome, check.reason) for check in found}


def test_an_app_that_serves_passes_all(stack: Stack) -> None:
    assert checked(stack, GOOD) == {
        "certificate": ("passed", None),
        "status": ("passed", None),
        "plain http": ("passed", None),
    }


def test_an_app_that_is_slow_to_answer_first_has_the_time_that_readiness_gives_it(stack: Stack) -> None:
    given = []

    class Slow(Answers):
        def request(self, _method: str, url: str, **options: object) -> Answer:
            given.append(options["timeout"])
            return super().request(_method, url)

    proxy_checks(Slow(GOOD, REDIRECT), domain=DOMAIN, stack=stack, routes=routes(stack))
    assert given == [LOOK_TIMEOUT, LOOK_TIMEOUT]
    assert LOOK_TIMEOUT > 30


def test_a_default_certificate_is_told_as_such(stack: Stack) -> None:
    outcome, reason = checked(stack, Answer(url=HTTPS, certificate=DEFAULT, problem=UNTRUSTED))["certificate"]
    assert outcome == "failed"
    assert reason == (
        f"{HTTPS}: the proxy shows its default certificate; router web has TLS on, so look at the proxy's log"
    )


def test_another_names_certificate_is_told_by_its_names(stack: Stack) -> None:
    reason = checked(stack, Answer(url=HTTPS, certificate=OTHER, problem=UNTRUSTED))["certificate"][1]
    assert "the certificate shown is for b.ci.test, from CN=lab" in (reason or "")


def test_a_router_without_tls_is_named_by_file_and_key(tmp_path: Path) -> None:
    without = "\n".join(line for line in COMPOSE.splitlines() if "certresolver" not in line) + "\n"
    outcome, reason = checked(make_stack(tmp_path, without), OWN_404)["status"]
    assert outcome == "failed"
    assert reason == (
        f"{HTTPS}: the proxy itself answers 404: 404 page not found; compose.yml:6: "
        "services.app.deploy.labels: traefik.http.routers.web.tls.certresolver is not set"
    )


def test_a_host_that_no_rule_has_is_told(tmp_path: Path) -> None:
    other = make_stack(tmp_path, COMPOSE.replace("${DOMAIN}", "elsewhere.ci.test"))
    assert "no router of the recipe has this host" in (checked(other, OWN_404)["status"][1] or "")


def test_what_could_not_be_asked_is_not_blamed_on_the_recipe(stack: Stack) -> None:
    found = checked(stack, Answer(url=HTTPS, problem=GONE), Answer(url=HTTP, problem=GONE))
    assert found["certificate"][0] == "unverified"
    assert found["plain http"][0] == "unverified"


@pytest.mark.parametrize(
    ("plain", "outcome"),
    [
        (Answer(url=HTTP, status=200, headers={"server": "nginx"}), "passed"),
        (Answer(url=HTTP, status=500, headers={"server": "nginx"}), "failed"),
        (Answer(url=HTTP, status=404, headers=OWN_404.headers, body=OWN_404.body), "skipped"),
    ],
)
def test_plain_http_may_be_answered_instead_of_redirected(stack: Stack, plain: Answer, outcome: str) -> None:
    assert checked(stack, GOOD, plain)["plain http"][0] == outcome


def service(name: str, **state: object) -> ServiceState:
    known = {"id": name, "name": name, "image": "x", "desired": 1, "running": 1, **state}
    return ServiceState(**known)  # type: ignore[arg-type]


def reasons(stack: Stack, *services: ServiceState) -> list[str | None]:
    return [
        check.reason for check in service_checks(StackSnapshot(stack="web", services=services), stack=stack)
    ]


def test_services_that_run_pass(stack: Stack) -> None:
    done = UpdateStatus(state="completed")
    found = service_checks(
        StackSnapshot(stack="web", services=(service("app", update=done), service("db"))), stack=stack
    )
    assert [(check.id, check.outcome) for check in found] == [
        ("generic: service app", "passed"),
        ("generic: service db", "passed"),
    ]


def test_services_that_do_not_are_named_with_what_is_wrong(stack: Stack) -> None:
    assert reasons(stack, service("app", running=0)) == [
        "services.app: 0 of 1 tasks are running",
        "services.db: it was not deployed",
    ]
    rolled = UpdateStatus(state="rollback_completed", message="update rolled back")
    assert reasons(stack, service("app", update=rolled), service("db", outdated=1)) == [
        "services.app: its update is rollback_completed: update rolled back",
        "services.db: 1 tasks are still of the version before",
    ]


def test_an_answer_of_the_proxy_is_explained_by_the_recipe(tmp_path: Path) -> None:
    without = "\n".join(line for line in COMPOSE.splitlines() if "certresolver" not in line) + "\n"
    stack = make_stack(tmp_path, without)
    cause = "compose.yml:6: services.app.deploy.labels: traefik.http.routers.web.tls.certresolver is not set"
    assert explain(OWN_404, host=DOMAIN, stack=stack) == cause
    assert explain(Answer(url=HTTPS, problem=UNTRUSTED), host=DOMAIN, stack=stack) == cause
    assert explain(GOOD, host=DOMAIN, stack=stack) is None
    assert explain(Answer(url=HTTPS, problem=GONE), host=DOMAIN, stack=stack) is None
