"""What is refused is refused again as a deployment is prepared, for its real domain."""

from pathlib import Path

import msgspec
import pytest
from policy_recipe import app_of, write

from cc_ci.engine.node import Node
from cc_ci.errors import CcCiError, InfrastructureError, StageFailed, Unverified
from cc_ci.recipes.stack import read_stack
from cc_ci.stages.bench import Candidate
from cc_ci.stages.permitting import exit_code, judged, place_of, require_permitted

NODE = Node(
    name="n", kind="private", docker_host="unix:///n", address="192.0.2.1", ci_domain="ci.test", ipvs=True
)


def candidate(root: Path, *trusted: str) -> Candidate:
    return Candidate(label="1.0.0", recipe=app_of(root).recipe, trusted=trusted)


@pytest.mark.parametrize(
    ("recipe", "error"),
    [
        ({"labels": "cc-ci.run=x", "service": "privileged: true"}, StageFailed),
        ({"service": "ports: ['443:443']\nprivileged: true"}, InfrastructureError),
        ({"service": "privileged: true"}, Unverified),
    ],
)
def test_the_gravest_refusal_decides_whose_fault_it_is(
    tmp_path: Path, recipe: dict[str, str], error: type[CcCiError]
) -> None:
    root = write(tmp_path / "poc", **recipe)
    app = app_of(root)
    with pytest.raises(error, match=r"^compose.yml:14: .*"):
        require_permitted(app, read_stack(app), candidate(root), node=NODE)
    refused = judged(app, read_stack(app), candidate(root), place=place_of(NODE)).refusals
    assert exit_code(refused) == error.exit_code
    assert exit_code(()) == 0


def test_a_permission_holds_for_any_domain(tmp_path: Path) -> None:
    root = write(tmp_path / "poc", service="volumes: ['/srv/${DOMAIN}:/s:ro']")
    for domain in ("app.example.test", "poc-0a1b2c.ci.test"):
        app = app_of(root, domain=domain)
        require_permitted(app, read_stack(app), candidate(root, "bind:/srv/{DOMAIN}"), node=NODE)
        with pytest.raises(Unverified, match=r"`--trust bind:/srv/\{DOMAIN\}` allows it"):
            require_permitted(app, read_stack(app), candidate(root, f"bind:/srv/{domain}"), node=NODE)


def test_a_server_that_is_not_ours_is_held_to_more(tmp_path: Path) -> None:
    root = write(tmp_path / "poc", service="ports: ['8448:80']")
    app = app_of(root)
    require_permitted(app, read_stack(app), candidate(root), node=NODE)
    foreign = msgspec.structs.replace(NODE, kind="foreign")
    with pytest.raises(Unverified, match="`--trust port:8448/tcp` allows it"):
        require_permitted(app, read_stack(app), candidate(root), node=foreign)
