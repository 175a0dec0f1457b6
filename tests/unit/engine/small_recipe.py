"""Small recipes for these tests, written out and read as real ones are."""

from pathlib import Path

from cc_ci.engine.labels import RunLabels
from cc_ci.engine.node import Node
from cc_ci.recipes.app import App
from cc_ci.recipes.configuring import configure
from cc_ci.recipes.recipe import read_recipe
from cc_ci.recipes.stack import Stack, read_stack
from cc_ci.system.units import EpochSeconds

RUN = RunLabels(run="r1", recipe="small", deployment="d1", expires=EpochSeconds(2000.9), stage="install")

COMPOSE = """\
---
version: "3.8"
services:
  app:
    image: nginx:1.26.3
    networks: [proxy, internal]
    environment:
      - DOMAIN
      - OWN=1
    ports: ["8080:80"]
    configs:
      - source: site
        target: /site
    volumes: ["content:/srv"]
    healthcheck:
      test: ["CMD", "true"]
      interval: 30s
      retries: 10
    deploy:
      replicas: 2
      labels:
        - "traefik.enable=true"
        - "coop-cloud.${STACK_NAME}.version=1.0.0+1.26.3"
  db:
    image: postgres:15
    networks: [internal]
networks:
  proxy:
    external: true
  internal:
    internal: true
volumes:
  content:
configs:
  site:
    name: ${STACK_NAME}_site_${SITE_VERSION}
    file: site.conf
    template_driver: golang
"""


def recipe(
    root: Path, *, compose: str = COMPOSE, env: str = "", script: str = "export SITE_VERSION=v1\n"
) -> Path:
    """Write a recipe into `root`."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "compose.yml").write_text(compose)
    (root / "site.conf").write_text("server {}\n")
    (root / "abra.sh").write_text(script)
    (root / ".env.sample").write_text(f"TYPE=small\nDOMAIN=x.example.com\n{env}")
    return root


def app(root: Path) -> tuple[App, Stack]:
    configured = configure(read_recipe(root), domain="small-abc.ci.test")
    return configured, read_stack(configured)


def node(*, ipvs: bool = True, ca: Path | None = None) -> Node:
    return Node(
        name="n",
        kind="private",
        docker_host="unix:///n.sock",
        address="10.0.0.2",
        ci_domain="ci.test",
        ipvs=ipvs,
        ca_bundle=ca,
    )
