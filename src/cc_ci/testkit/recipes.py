"""A small recipe of two published versions, with a suite: enough for every stage but sso."""

from pathlib import Path

from cc_ci.system.process import LocalRunner, check

COMPOSE = """\
version: "3.8"
services:
  app:
    image: small:{image}
    networks: [proxy]
    volumes: ["content:/srv"]
    healthcheck:
      test: ["CMD", "true"]
      interval: 1s
    deploy:
      update_config:
        failure_action: rollback
      labels:
        - "traefik.enable=true"
        - "traefik.http.services.${{STACK_NAME}}.loadbalancer.server.port=80"
        - "traefik.http.routers.${{STACK_NAME}}.rule=Host(`${{DOMAIN}}`)"
        - "traefik.http.routers.${{STACK_NAME}}.entrypoints=web-secure"
        - "traefik.http.routers.${{STACK_NAME}}.tls.certresolver=${{LETS_ENCRYPT_ENV}}"
        - "backupbot.backup=true"
        - "coop-cloud.${{STACK_NAME}}.version={version}"
networks:
  proxy:
    external: true
volumes:
  content:
"""
ENV = "TYPE=small\nDOMAIN=small.example.com\nLETS_ENCRYPT_ENV=production\n"
SUITE = 'recipe = "small"\nseeds = "seed.py"\n'
VERSIONS = ("1.0.0+1", "1.1.0+2")
IMAGES = ("small:1", "small:2")


def small_recipe(root: Path) -> Path:
    """The recipe's repository in `root`/recipes/small, its tree the newer version; its suite is beside it."""
    folder = root / "recipes" / "small"
    folder.mkdir(parents=True)
    _git(folder, "init", "--quiet", "--initial-branch=main")
    for version, image in zip(VERSIONS, IMAGES, strict=True):
        number = image.partition(":")[2]
        (folder / "compose.yml").write_text(COMPOSE.format(version=version, image=number))
        (folder / ".env.sample").write_text(ENV)
        (folder / "abra.sh").write_text("")
        _git(folder, "add", "--all")
        _git(folder, "commit", "--quiet", "--message", version)
        _git(folder, "tag", "--annotate", "--message", version, version)
    suite = root / "suites" / "small"
    suite.mkdir(parents=True)
    (suite / "suite.toml").write_text(SUITE)
    (suite / "seed.py").write_text("")
    (suite / "test_small.py").write_text("def test_it():\n    assert True\n")
    return folder


def _git(folder: Path, *words: str) -> None:
    who = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    check(LocalRunner()(["git", "-C", str(folder), *who, *words]), what="git")
