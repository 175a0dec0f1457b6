import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from small_recipe import COMPOSE, app, recipe

from cc_ci.recipes.stack import Stack
from cc_ci.suite.checking import faults, remarks
from cc_ci.suite.facts import read_suite
from cc_ci.suite.skeleton import files, front

DOMAIN = "small-abc.ci.test"
ROUTED = """\
        - "traefik.http.routers.${STACK_NAME}.rule=Host(`${DOMAIN}`)"
        - "traefik.http.services.${STACK_NAME}.loadbalancer.server.port=5678"
"""


def stack(tmp_path: Path, check: str, *, routed: str = ROUTED) -> Stack:
    compose = COMPOSE.replace('test: ["CMD", "true"]', f"test: {check}")
    compose = compose.replace(
        '        - "traefik.enable=true"\n', f'        - "traefik.enable=true"\n{routed}'
    )
    return app(recipe(tmp_path / "small", compose=compose))[1]


@pytest.mark.parametrize(
    ("check", "path"),
    [
        ('["CMD", "curl", "-f", "http://localhost:5678/healthz"]', "/healthz"),
        ('["CMD-SHELL", "wget -qO- http://127.0.0.1:5678/api/v1/health?full=1 || exit 1"]', "/api/v1/health"),
        ('["CMD", "curl", "-f", "http://localhost:9000/health/ready"]', "/"),
        ('["CMD", "curl", "-f", "http://example.com:5678/healthz"]', "/"),
        ('["CMD", "curl", "-f", "http://localhost:5678"]', "/"),
        ('["CMD", "true"]', "/"),
    ],
)
def test_the_front_is_what_the_health_check_asks_for_at_the_routed_port(
    tmp_path: Path, check: str, path: str
) -> None:
    assert front(stack(tmp_path, check), domain=DOMAIN).path == path


def test_a_recipe_without_a_route_is_asked_for_its_front_page(tmp_path: Path) -> None:
    check = '["CMD", "curl", "http://localhost:5678/healthz"]'
    assert front(stack(tmp_path, check, routed=""), domain=DOMAIN).path == "/"


def test_a_new_suite_is_read_and_has_no_faults(tmp_path: Path) -> None:
    made = files("small", stack(tmp_path, '["CMD", "true"]'), domain=DOMAIN, secrets=("db_password",))
    folder = tmp_path / "suites" / "small"
    folder.mkdir(parents=True)
    for name, text in made.items():
        (folder / name).write_text(text)
    suite = read_suite(folder)
    assert (suite.recipe, suite.probe.status, suite.seeds, suite.secrets) == ("small", "any", None, ())
    assert [(sign.name, sign.service, sign.run) for sign in suite.readiness] == [
        ("db", "db", ("pg_isready", "-h", "127.0.0.1"))
    ]
    assert faults(suite) == ()
    assert len(remarks(suite)) == 2


def test_what_is_left_to_fill_in_is_good_once_its_comment_signs_are_gone(tmp_path: Path) -> None:
    made = files("small", stack(tmp_path, '["CMD", "true"]'), domain=DOMAIN, secrets=("db_password",))
    text = made["suite.toml"].replace("# seeds", "seeds").replace("# secrets", "secrets")
    filled = tomllib.loads(text.replace("# contains", "contains"))
    assert (filled["seeds"], filled["secrets"]) == ("seed.py", ["db_password"])
    assert filled["probe"]["contains"] == "Welcome"


class Shelf:
    """An app that holds bytes by name, as the three functions say that are to be filled in."""

    def __init__(self, seed: ModuleType) -> None:
        self.held: dict[str, bytes] = {}
        self.seed = seed
        vars(seed).update(put=self.put, get=self.get, remove=self.remove)

    def put(self, _app: None, _http: None, name: str, content: bytes) -> None:
        self.held[name] = content

    def get(self, _app: None, _http: None, name: str) -> bytes | None:
        return self.held.get(name)

    def remove(self, _app: None, _http: None, name: str) -> None:
        self.held.pop(name, None)

    def write(self, value: str) -> None:
        self.seed.write(None, None, "cc-ci-kept-1f", value)

    def read(self) -> str | None:
        found: str | None = self.seed.read(None, None, "cc-ci-kept-1f")
        return found


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    made = files("small", stack(tmp_path, '["CMD", "true"]'), domain=DOMAIN, secrets=())
    module = ModuleType("seed")
    exec(compile(made["seed.py"], "seed.py", "exec"), module.__dict__)  # noqa: S102 - the suite that was made
    return Shelf(module)


def test_a_made_seed_says_until_it_is_filled_in_that_it_is_not(tmp_path: Path) -> None:
    made = files("small", stack(tmp_path, '["CMD", "true"]'), domain=DOMAIN, secrets=())
    module = ModuleType("seed")
    exec(compile(made["seed.py"], "seed.py", "exec"), module.__dict__)  # noqa: S102 - the suite that was made
    with pytest.raises(NotImplementedError):
        module.write(None, None, "key", "value")


def test_a_made_seed_keeps_and_finds_every_kind_of_content_once_three_functions_are_filled_in(
    shelf: Shelf,
) -> None:
    assert shelf.read() is None
    shelf.write("marker-1")
    assert shelf.read() == "marker-1"
    assert max(map(len, shelf.held.values())) > 65_536
    assert b"" in shelf.held.values()
    assert any(not content.isascii() for content in shelf.held.values())
    assert len({name.lower() for name in shelf.held}) == len(shelf.held) - 1
    shelf.write("changed after the backup")
    assert shelf.read() == "changed after the backup"
    shelf.seed.delete(None, None, "cc-ci-kept-1f")
    assert (shelf.read(), shelf.held) == (None, {})


def test_a_made_seed_tells_any_piece_that_is_gone_or_cut(shelf: Shelf) -> None:
    shelf.write("marker-1")
    for name in tuple(shelf.held):
        content = shelf.held.pop(name)
        with pytest.raises(AssertionError):
            shelf.read()
        shelf.held[name] = content + b"x"
        if name != "cc-ci-kept-1f":
            with pytest.raises(AssertionError, match=name):
                shelf.read()
        shelf.held[name] = content
    assert shelf.read() == "marker-1"
