"""Lint: each rule finds its fault, in the right file and at the right line, and says it once."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from cc_ci.cli.recipe import recipe as command
from cc_ci.recipes.linting.findings import RULES, Finding
from cc_ci.recipes.linting.lint import lint
from cc_ci.recipes.recipe import read_recipe

RECIPES = Path(__file__).parents[2] / "recipes"
SOUND = """\
version: "3.8"
services:
  app:
    image: nginx:1.22.1
    networks: [proxy]
    healthcheck:
      test: curl -f localhost
    deploy:
      labels:
        - coop-cloud.${STACK_NAME}.version=1.0.0+1.22.1
        - traefik.enable=true
        - traefik.http.routers.${STACK_NAME}.rule=Host(`${DOMAIN}`${EXTRA_DOMAINS})
        - traefik.http.routers.${STACK_NAME}.tls.certresolver=x
        - traefik.http.services.${STACK_NAME}.loadbalancer.server.port=80
networks:
  proxy:
    external: true
"""
SAMPLE = "TYPE=blog\nDOMAIN=blog.example.com\n#EXTRA_DOMAINS=, `www.blog.example.com`\n"
PAPERS = {"R006", "R007", "R013"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "blog"
    folder.mkdir()
    (folder / "compose.yml").write_text(SOUND)
    (folder / ".env.sample").write_text(SAMPLE)
    return folder


def put(root: Path, service: str = "", *, top: str = "", **files: str) -> None:
    """Lines that are added to the service, and to the file's end."""
    inner = "".join(f"    {line}\n" for line in service.splitlines())
    (root / "compose.yml").write_text(
        SOUND.replace("    networks: [proxy]\n", f"    networks: [proxy]\n{inner}") + top
    )
    for name, text in files.items():
        (root / name.replace("_", ".")).write_text(text)


def seen(root: Path) -> list[tuple[str, str, str]]:
    return [
        (one.rule, one.severity, one.where)
        for one in lint(read_recipe(root)).findings
        if one.rule not in PAPERS
    ]


def the(root: Path, rule: str) -> Finding:
    (finding,) = (one for one in lint(read_recipe(root)).findings if one.rule == rule)
    return finding


def test_a_sound_recipe_has_no_findings(root: Path) -> None:
    assert seen(root) == []


@pytest.mark.parametrize(
    ("service", "top", "expected"),
    [
        ("tmpfs: /run", "", ("C011", "warning", "compose.yml:6")),
        ("read_only: true\ntmpfs: /run", "", ("C011", "error", "compose.yml:7")),
        ("restart: always", "", ("C011", "warning", "compose.yml:6")),
        ("depends_on: [app]", "", ("C011", "warning", "compose.yml:6")),
        ("ports:\n  - 8080:80\n  - target: 22\n    published: 22", "", ("C003", "warning", "compose.yml:8")),
        ("volumes: ['/etc/localtime:/etc/localtime:ro']", "", ("C013", "warning", "compose.yml:6")),
        ("labels:\n  backupbot.backup: 'true'", "", ("C018", "error", "compose.yml:7")),
        ("labels: ['traefik.enable=true', 'traefik.x=y']", "", ("C018", "error", "compose.yml:6")),
        ("environment: ['SMTP=${SMTP_HOST}']", "", ("C010", "warning", "compose.yml:6")),
        ("environment: ['SMTP=${SMTP_HOST:-}']", "", None),
        (
            "volumes: ['data:/data']",
            "volumes:\n  data:\n    name: ${STACK_NAME}${D}\n",
            ("C010", "error", "compose.yml:21"),
        ),
        ("volumes: ['data:/data']", "volumes:\n  data:\n", ("C001", "error", "compose.yml:20")),
        (
            "secrets: [key]",
            "secrets:\n  key:\n    external: true\n    name: shared_v1\n",
            ("C012", "error", "compose.yml:22"),
        ),
        ("", "volumes:\n  data:\n    name: blog-data\n", ("C012", "error", "compose.yml:20")),
    ],
)
def test_a_fault_is_found_at_its_line(
    root: Path, service: str, top: str, expected: tuple[str, str, str] | None
) -> None:
    put(root, service, top=top)
    assert (expected in seen(root)) if expected else (seen(root) == [])


def test_a_file_of_the_recipe_that_is_mounted_is_told_without_where_the_recipe_lies(root: Path) -> None:
    put(root, "volumes: ['./site.conf:/site.conf:ro']", site_conf="")
    assert the(root, "C013").message == "services.app.volumes./site.conf: mounts ./site.conf of the host"


def as_map(text: str) -> str:
    """A compose file whose labels are a map and no list."""
    listed = re.compile(r"^        - ([^=\n]+)=(.*)$", re.MULTILINE)
    return listed.sub(r"        \1: '\2'", text)


def test_labels_as_a_map_keep_the_variables_in_their_names(root: Path) -> None:
    put(root)
    (root / "compose.yml").write_text(as_map(SOUND))
    assert seen(root) == [("C007", "error", "compose.yml:10"), ("C012", "error", "compose.yml:10")]
    assert "as the key of a map it is not filled in" in the(root, "C007").message
    assert "(and 3 more)" in the(root, "C012").message


def test_labels_as_a_map_without_variables_in_their_names_are_sound(root: Path) -> None:
    put(root, "volumes: ['data:/data']", top="volumes: {data: {}}\n")
    overlay = "services:\n  app:\n    deploy:\n      labels: {backupbot.backup: '${ENABLE_BACKUPS:-true}'}\n"
    (root / "compose.backup.yml").write_text(f"version: '3.8'\n{overlay}")
    (root / ".env.sample").write_text(f"{SAMPLE}COMPOSE_FILE=compose.yml:compose.backup.yml\n")
    assert seen(root) == []


def test_replicas_that_share_a_volume_are_found(root: Path) -> None:
    put(root, "volumes: ['data:/data']", top="volumes: {data: {}}\n")
    text = (root / "compose.yml").read_text().replace("    deploy:\n", "    deploy:\n      replicas: 2\n")
    (root / "compose.yml").write_text(text)
    assert ("C016", "warning", "compose.yml:10") in seen(root)


def test_a_fault_of_the_base_is_not_told_again_for_each_overlay(root: Path) -> None:
    put(root, "restart: always")
    for number in range(3):
        (root / f"compose.{number}.yml").write_text(
            "version: '3.8'\nservices:\n  app:\n    environment: {A: b}\n"
        )
    assert [row for row in seen(root) if row[0] == "C011"] == [("C011", "warning", "compose.yml:6")]


def test_a_missing_check_is_told_where_the_service_is_made(root: Path) -> None:
    text = SOUND.replace("    healthcheck:\n      test: curl -f localhost\n", "")
    (root / "compose.yml").write_text(text)
    (root / "compose.more.yml").write_text("version: '3.8'\nservices:\n  app:\n    environment: {A: b}\n")
    assert seen(root) == [("R002", "warning", "compose.yml:4")]


def test_each_file_is_blamed_for_its_own_ports_labels_and_networks(root: Path) -> None:
    (root / "compose.more.yml").write_text(
        "version: '3.8'\nservices:\n  app:\n    ports:\n      - 22:22\n    labels: {traefik.a: b}\n"
    )
    assert seen(root) == [("C018", "error", "compose.more.yml:6"), ("C003", "warning", "compose.more.yml:5")]


def test_a_file_without_a_format_is_told_so(root: Path) -> None:
    (root / "compose.yml").write_text(SOUND.replace('version: "3.8"\n', ""))
    assert the(root, "R001").message == "version: is missing; abra expects 3.8"


def test_a_recipe_without_domain_needs_no_route(root: Path) -> None:
    text = "\n".join(line for line in SOUND.splitlines() if "traefik" not in line)
    (root / "compose.yml").write_text(text)
    assert [row[0] for row in seen(root)] == ["R010", "C017"]
    (root / ".env.sample").write_text("TYPE=blog\n")
    assert seen(root) == []


def test_a_domain_that_the_sample_does_not_have_is_an_error(root: Path) -> None:
    (root / ".env.sample").write_text("TYPE=blog\n#EXTRA_DOMAINS=\n")
    assert ("C009", "error", "compose.yml:12") in seen(root)


def test_a_rule_with_a_variable_that_no_sample_has_is_an_error(root: Path) -> None:
    (root / "compose.yml").write_text(SOUND.replace("Host(`${DOMAIN}`", "Host(`${OTHER_DOMAIN}`"))
    assert ("C010", "error", "compose.yml:12") in seen(root)


def test_further_domains_that_no_rule_uses_are_told(root: Path) -> None:
    (root / "compose.yml").write_text(SOUND.replace("${EXTRA_DOMAINS}", ""))
    assert seen(root) == [("C017", "warning", ".env.sample:3")]


def test_a_modifier_that_is_not_known_is_a_finding_and_reading_goes_on(root: Path) -> None:
    secret = "secrets:\n  key:\n    external: true\n    name: ${STACK_NAME}_key_${SECRET_KEY_VERSION}\n"
    sample = f"{SAMPLE}SECRET_KEY_VERSION=v1 # length=20 charset=alnum\n"
    put(root, "secrets: [key]\nrestart: always", top=secret, _env_sample=sample)
    assert [row for row in seen(root) if row[0] in ("C015", "C011")] == [
        ("C011", "warning", "compose.yml:7"),
        ("C015", "warning", ".env.sample:4"),
    ]


def test_the_advice_names_the_variable_that_the_file_uses(root: Path) -> None:
    secret = "secrets:\n  key:\n    external: true\n    name: ${STACK_NAME}_key_${KEY_SECRET}\n"
    put(root, "secrets: [key]", top=secret)
    assert "KEY_SECRET is not set; add KEY_SECRET=v1 to .env.sample" in the(root, "C000").message


def test_functions_that_nothing_calls_are_told(root: Path) -> None:
    put(root, abra_sh="export A=1\n\nabra_backup_db() {\n  true\n}\n")
    assert seen(root) == [("C014", "warning", "abra.sh:3")]


def test_configs_need_abra_sh_and_a_version(root: Path) -> None:
    (root / "site.conf").write_text("x")
    config = "configs:\n  site:\n    file: site.conf\n    name: ${STACK_NAME}_site\n"
    put(root, "configs: [site]", top=config)
    assert {row[0] for row in seen(root)} == {"R012", "C008"}


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("keycloak", {"C001", "C005", "C011", "R015"}),
        ("notes-2021", {"C004", "C007", "R002", "R005", "R010"}),
        ("workflow", {"C005", "C006", "C010"}),
        ("bare", {"C007", "R001", "R002", "R003", "R008"}),
    ],
)
def test_public_recipes_have_these(name: str, rules: set[str]) -> None:
    assert {one.rule for one in lint(read_recipe(RECIPES / name)).findings} - PAPERS == rules


def test_a_label_that_was_not_bumped_is_found_once_what_is_deployed_differs(tmp_path: Path) -> None:
    root = tmp_path / "keycloak"
    shutil.copytree(RECIPES / "keycloak", root)
    commit(root, tag="10.1.0+26.0.7")
    (root / "README.md").write_text("papers may differ")
    commit(root)
    assert "C007" not in {one.rule for one in lint(read_recipe(root)).findings}
    (root / "compose.yml").write_text((root / "compose.yml").read_text() + "# changed\n")
    finding = the(root, "C007")
    assert (finding.severity, finding.file) == ("error", "compose.yml")


def test_a_release_of_another_branch_asks_for_no_higher_label(tmp_path: Path) -> None:
    root = tmp_path / "keycloak"
    shutil.copytree(RECIPES / "keycloak", root)
    commit(root, tag="10.0.0+26.0.6")
    subprocess.run(["git", "-C", root, "checkout", "-qb", "next"], check=True)
    (root / "note").write_text("x")
    commit(root, tag="11.0.0+27.0.0")
    subprocess.run(["git", "-C", root, "checkout", "-q", "-"], check=True)
    assert "C007" not in {one.rule for one in lint(read_recipe(root)).findings}


def commit(root: Path, *, tag: str | None = None) -> None:
    who = ["git", "-C", root, "-c", "user.name=x", "-c", "user.email=x@localhost"]
    for line in (
        ["init", "-q"],
        ["add", "-A"],
        ["commit", "-qm", "x"],
        *([["tag", "-am", "x", tag]] if tag else []),
    ):
        subprocess.run([*who, *line], check=True, capture_output=True)


def test_what_the_recipe_says_to_ignore_is_passed_over_and_counted(root: Path) -> None:
    put(root, "restart: always\nports: ['22:22']")
    (root / ".cc-ci-lint.toml").write_text(
        '[[ignore]]\nrule = "C011"\nreason = "for docker compose users"\n'
        '[[ignore]]\nrule = "C003"\nkey = "services.app.ports.80"\nreason = "another port"\n'
    )
    report = lint(read_recipe(root))
    assert [one.rule for one in report.ignored] == ["C011"]
    assert ("C003", "warning", "compose.yml:7") in seen(root)
    assert the(root, "C019").message == "C003: there is no such finding any more"


@pytest.mark.parametrize(
    "text",
    ['[[ignore]]\nrule = "C011"\n', "x = [", f"x = {'[' * 9000}", '[[ignore]]\nrule = "X1"\nreason = "y"\n'],
)
def test_a_file_of_ignores_that_can_not_be_read_is_an_error_and_ignores_nothing(
    root: Path, text: str
) -> None:
    put(root, "restart: always")
    (root / ".cc-ci-lint.toml").write_text(text)
    rules = [row[:2] for row in seen(root)]
    assert ("C019", "error") in rules
    assert ("C011", "warning") in rules


def test_a_baseline_passes_over_all_that_is_there_and_nothing_new(root: Path, tmp_path: Path) -> None:
    put(root, "tmpfs: /run\nread_only: true")
    file = tmp_path / "baseline.toml"
    assert CliRunner().invoke(command, ["lint", str(root), "--write-baseline", str(file)]).exit_code == 0
    assert CliRunner().invoke(command, ["lint", str(root), "--ignores", str(file)]).exit_code == 0
    put(root, "tmpfs: /run\nread_only: true\nlabels: {backupbot.backup: 'true'}")
    assert CliRunner().invoke(command, ["lint", str(root), "--ignores", str(file)]).exit_code == 1


def test_lint_exits_1_on_errors_only() -> None:
    assert CliRunner().invoke(command, ["lint", str(RECIPES / "workflow")]).exit_code == 0
    done = CliRunner().invoke(command, ["lint", str(RECIPES / "bare"), "--json"])
    assert done.exit_code == 1
    assert {"rule", "severity", "message", "file", "line", "key"} == json.loads(done.output)["findings"][
        0
    ].keys()


def test_each_rule_says_why_and_what_to_do() -> None:
    rows = json.loads(CliRunner().invoke(command, ["rules", "--json"]).output)["rules"]
    assert [row["rule"] for row in rows] == list(RULES)
    assert all(row["why"] and row["remedy"] for row in rows)
