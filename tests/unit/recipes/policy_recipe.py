"""A sound recipe for the policy's tests, with keys added to it, written out and judged as real ones are."""

from pathlib import Path

from cc_ci.recipes.app import App
from cc_ci.recipes.configuring import configure
from cc_ci.recipes.policy.judgement import Judgement, judge
from cc_ci.recipes.policy.looking import PRIVATE, Look, Place
from cc_ci.recipes.recipe import read_recipe
from cc_ci.recipes.stack import read_stack

DOMAIN = "poc-0a1b2c.ci.test"
SERVICE = """\
version: "3.13"
services:
  app:
    image: nginx:1.26.3
    networks: [proxy]
    deploy:
      labels:
        - "traefik.enable=true"
        - "traefik.http.services.${STACK_NAME}.loadbalancer.server.port=80"
        - "traefik.http.routers.${STACK_NAME}.rule=Host(`${DOMAIN}`)"
        - "traefik.http.routers.${STACK_NAME}.entrypoints=web-secure"
        - "traefik.http.routers.${STACK_NAME}.tls.certresolver=${LETS_ENCRYPT_ENV}"
        - "coop-cloud.${STACK_NAME}.version=1.0.0+1.26.3"
"""
TOP = """\
networks:
  proxy:
    external: true
"""


def write(
    root: Path, *, service: str = "", labels: str = "", top: str = "", env: str = "", rule: str = ""
) -> Path:
    """`service` is added to the service app, `labels` to its deploy labels, `top` at the end of the file."""
    root.mkdir(parents=True, exist_ok=True)
    text = SERVICE + "".join(f'        - "{line}"\n' for line in labels.splitlines() if line)
    text = text.replace("Host(`${DOMAIN}`)", rule) if rule else text
    text += "".join(f"    {line}\n" for line in service.splitlines())
    (root / "compose.yml").write_text(text + (top if "networks:" in top else TOP + top))
    (root / ".env.sample").write_text(f"TYPE=poc\nDOMAIN=poc.example.com\nLETS_ENCRYPT_ENV=production\n{env}")
    return root


def app_of(root: Path, *, domain: str = DOMAIN) -> App:
    return configure(read_recipe(root), domain=domain)


def judged(
    root: Path,
    *,
    trusted: tuple[str, ...] = (),
    place: Place = PRIVATE,
    web: bool | None = None,
    domain: str = DOMAIN,
) -> Judgement:
    app = app_of(root, domain=domain)
    return judge(Look(app=app, stack=read_stack(app), place=place, web=web), trusted=trusted)


def needed(judgement: Judgement) -> list[str | None]:
    return [one.permission for one in judgement.refusals]
