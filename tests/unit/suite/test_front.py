"""Where an app is looked at through the proxy, and what a suite may say of that."""

from pathlib import Path

import pytest
from policy_recipe import DOMAIN, app_of, write

from cc_ci.errors import InfrastructureError
from cc_ci.probes.life import Life
from cc_ci.recipes.ending import guessed
from cc_ci.recipes.stack import Stack, read_stack
from cc_ci.suite.facts import Suite, read_suite
from cc_ci.suite.front import at, front, is_web, unrouted
from cc_ci.suite.skeleton import files

API = "Host(`${DOMAIN}`) && PathPrefix(`/api`)"
BELOW = "Host(`w.${DOMAIN}`) && Header(`X-Key`, `1`)"


def stack_of(root: Path) -> Stack:
    return read_stack(app_of(root))


def suite_of(folder: Path, text: str) -> Suite:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "suite.toml").write_text(f'recipe = "poc"\n{text}')
    return read_suite(folder)


def test_without_a_suite_a_path_inside_of_the_rule_is_asked_for(tmp_path: Path) -> None:
    assert front(None, stack_of(write(tmp_path / "a")), domain=DOMAIN).url(DOMAIN) == f"https://{DOMAIN}/"
    within = front(None, stack_of(write(tmp_path / "b", rule=API)), domain=DOMAIN)
    assert within.url(DOMAIN) == f"https://{DOMAIN}/api"
    below = front(None, stack_of(write(tmp_path / "c", rule=BELOW)), domain=DOMAIN)
    assert (below.url(DOMAIN), below.headers) == (f"https://w.{DOMAIN}/", (("X-Key", "1"),))
    asked = front(
        None, stack_of(write(tmp_path / "d", rule="Host(`${DOMAIN}`) && Query(`q`, `1`)")), domain=DOMAIN
    )
    assert asked.url(DOMAIN) == f"https://{DOMAIN}/?q=1"


def test_without_a_suite_the_paths_of_health_checks_come_next_where_a_rule_takes_them(tmp_path: Path) -> None:
    def looked_for(rule: str) -> tuple[str, ...]:
        root = write(tmp_path / "r", rule=rule)
        compose = root / "compose.yml"
        check = "curl -f http://localhost:80/api/up || curl http://127.0.0.1/ && curl http://localhost:9/no"
        text = compose.read_text().replace(
            "    deploy:\n", f"    healthcheck: {{test: {check!r}}}\n    deploy:\n", 1
        )
        compose.write_text(text)
        found = front(None, stack_of(root), domain=DOMAIN)
        assert isinstance(found, Life)
        assert found.images
        return found.paths

    assert looked_for("Host(`${DOMAIN}`)") == ("/", "/api/up")
    assert looked_for(API) == ("/api", "/api/up")


def test_a_suite_that_names_no_path_gets_one_inside_of_the_rule(tmp_path: Path) -> None:
    stack = stack_of(write(tmp_path / "poc", rule=API))
    found = front(suite_of(tmp_path / "s", "[probe]\nstatus = 204\n"), stack, domain=DOMAIN)
    assert (found.path, found.statuses) == ("/api", (204,))


def test_a_path_is_asked_for_at_the_host_whose_router_takes_it(tmp_path: Path) -> None:
    router = "traefik.http.routers.${STACK_NAME}-w"
    labels = f"{router}.rule=Host(`w.${{DOMAIN}}`)\n{router}.service=${{STACK_NAME}}"
    stack = stack_of(write(tmp_path / "poc", rule=API, labels=labels))
    assert at("/api/x", stack, domain=DOMAIN).url(DOMAIN) == f"https://{DOMAIN}/api/x"
    assert at("/x", stack, domain=DOMAIN).url(DOMAIN) == f"https://w.{DOMAIN}/x"


def test_a_path_that_no_rule_takes_is_the_suites_fault(tmp_path: Path) -> None:
    stack = stack_of(write(tmp_path / "poc", rule=API))
    signs = '[probe]\npath = "/"\n[[readiness]]\nname = "up"\npath = "/up"\n'
    signs += '[[readiness]]\nname = "in"\npath = "/api/in"\n'
    assert list(unrouted(suite_of(tmp_path / "s", signs), stack, domain=DOMAIN)) == [
        "suite.toml: probe.path: no router's rule takes /; they take /api",
        "suite.toml: readiness up: no router's rule takes /up; they take /api",
    ]


def test_web_is_the_suites_word_or_that_of_the_domain(tmp_path: Path) -> None:
    root = write(tmp_path / "poc")
    recipe, stack = app_of(root).recipe, stack_of(root)
    assert is_web(None, recipe, stack)
    assert not is_web(suite_of(tmp_path / "s", "web = false\n"), recipe, stack)
    bare = as_worker(root)
    assert not is_web(None, app_of(bare).recipe, stack_of(bare))


def as_worker(root: Path) -> Path:
    """The recipe as a worker: no DOMAIN, no route."""
    (root / ".env.sample").write_text("TYPE=poc\n")
    (root / "compose.yml").write_text('version: "3.8"\nservices:\n  app:\n    image: busybox:1.37.0\n')
    return root


def test_values_of_the_run_are_filled_in(tmp_path: Path) -> None:
    text = 'env = { A = "x.${DOMAIN}", B = "${STACK_NAME}_b", C = "$$5 $x" }\n'
    values = {"DOMAIN": "d.test", "STACK_NAME": "d_test"}
    assert suite_of(tmp_path, text).env_for(None, values=values) == {
        "A": "x.d.test",
        "B": "d_test_b",
        "C": "$5 $x",
    }


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('env = { A = "${WHERE}" }\n', "env.A"),
        ('[variants.v]\ncompose_files = ["a"]\nenv = { A = "${WHERE}" }\n', "variants.v.env.A"),
        ('env = { A = "${}" }\n', "env.A"),
    ],
)
def test_what_is_no_value_of_a_run_is_one_line_with_file_and_key(tmp_path: Path, text: str, key: str) -> None:
    suite = suite_of(tmp_path, text)
    with pytest.raises(InfrastructureError) as error:
        suite.env_for("v" if suite.variants else None, values={"DOMAIN": "d", "STACK_NAME": "s"})
    assert str(error.value).startswith(f"{tmp_path / 'suite.toml'}: {key}: ${{")
    assert str(error.value).endswith("is no value of a run; there are DOMAIN, STACK_NAME")


def test_a_new_suite_of_a_worker_asks_nothing_of_the_proxy(tmp_path: Path) -> None:
    root = as_worker(write(tmp_path / "poc"))
    once = "    deploy: {restart_policy: {condition: none}}\n"
    (root / "compose.yml").write_text((root / "compose.yml").read_text() + once)
    made = files("poc", stack_of(root), domain=DOMAIN, secrets=(), web=False)
    assert sorted(made) == ["seed.py", "suite.toml"]
    suite = suite_of(tmp_path / "s", made["suite.toml"].partition("\n")[2])
    assert (suite.web, suite.ends) == (False, ("app",))


@pytest.mark.parametrize("mode", ["replicated-job", "global-job"])
def test_a_job_ends_by_design(tmp_path: Path, mode: str) -> None:
    root = as_worker(write(tmp_path / "poc"))
    assert guessed(stack_of(root)) == frozenset()
    (root / "compose.yml").write_text((root / "compose.yml").read_text() + f"    deploy: {{mode: {mode}}}\n")
    assert guessed(stack_of(root)) == {"app"}


def test_a_new_suite_asks_for_a_path_inside_of_the_rule(tmp_path: Path) -> None:
    check = "healthcheck: {test: ['CMD', 'curl', '-f', 'http://localhost/healthz']}"
    made = files("poc", stack_of(write(tmp_path / "a", service=check)), domain=DOMAIN, secrets=())
    assert 'path = "/healthz"' in made["suite.toml"]
    made = files("poc", stack_of(write(tmp_path / "b", service=check, rule=API)), domain=DOMAIN, secrets=())
    assert 'path = "/api"  # the router\'s rule takes no other' in made["suite.toml"]
    assert 'http.get("/api")' in made["test_front.py"]
