"""Which volumes are backed up, by which labels, and what is said of those that are not."""

import re
from pathlib import Path

import pytest

from cc_ci.recipes.app import App
from cc_ci.recipes.backup_coverage import absent, left_out, unbacked
from cc_ci.recipes.backup_labels import BackupPlan, backup_plan
from cc_ci.recipes.configuring import configure
from cc_ci.recipes.faults import RecipeError
from cc_ci.recipes.moved_volumes import moved_data, moved_volumes
from cc_ci.recipes.recipe import read_recipe
from cc_ci.recipes.stack import Stack, read_stack

COMPOSE = """\
version: "3.8"
services:
  app:
    image: example:1
    volumes:
      - content:/srv
      - uploads:/srv/uploads
    deploy:
      labels:
        - "backupbot.backup=true"
LABELS
  db:
    image: postgres:15
    volumes:
      - data:/var/lib/postgresql/data
DB
volumes:
  content:
  uploads:
  data:
"""
REMEDY = "label it, or say backupbot.backup.volumes.data=false, or why under [unkept] in suite.toml"


def read(
    root: Path, *labels: str, db: str = "", compose: str = COMPOSE, env: str = ""
) -> tuple[App, Stack, BackupPlan]:
    written = "\n".join(f'        - "{label}"' for label in labels)
    text = compose.replace("LABELS\n", f"{written}\n" if labels else "").replace("DB\n", db)
    root.mkdir(exist_ok=True)
    (root / "compose.yml").write_text(text)
    (root / ".env.sample").write_text(f"TYPE=web\nDOMAIN=web.example.com\n{env}")
    app = configure(read_recipe(root), domain="web.ci.test")
    stack = read_stack(app)
    return app, stack, backup_plan(stack)


def paths(plan: BackupPlan) -> dict[str, tuple[str, ...]]:
    return {volume.volume: volume.paths for volume in plan.volumes}


def test_paths_are_made_normal(tmp_path: Path) -> None:
    _, _, plan = read(tmp_path, "backupbot.backup.volumes.content.path= a//b/ , ./c ,d")
    assert paths(plan) == {"content": ("a/b", "c", "d"), "uploads": ()}


def test_the_root_of_a_volume_is_the_whole_of_it(tmp_path: Path) -> None:
    _, _, plan = read(tmp_path, "backupbot.backup.volumes.content.path=./,a")
    assert paths(plan)["content"] == ()


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("../../..", r"'\.\./\.\./\.\.' leads out of the volume"),
        ("a/../../b", "leads out of the volume"),
        ("a/..", "leads out of the volume"),
        ("/etc", "'/etc' is absolute"),
        ("//etc", "is absolute"),
        ("", "an empty path"),
        ("a,", "an empty path"),
        (",", "an empty path"),
        (" ", "an empty path"),
        (r"a\nb", "has characters that no path"),
    ],
)
@pytest.mark.attack(
    what="A backup label names the path ../../.. or an absolute path.",
    before="The host's folders were backed up, and then the exact restore deleted files in them.",
    now="The label is refused when the recipe is read, with file and line.",
    layer="reading",
)
def test_a_path_that_leads_out_of_its_volume_is_refused(path: str, said: str, tmp_path: Path) -> None:
    label = "backupbot.backup.volumes.content.path"
    where = re.escape(f"compose.yml:11: services.app.deploy.labels.{label}: ")
    with pytest.raises(RecipeError, match=f"{where}.*{said}"):
        read(tmp_path, f"{label}={path}")


def test_an_older_label_names_paths_in_the_container(tmp_path: Path) -> None:
    _, _, plan = read(tmp_path, "backupbot.backup.path=/srv/a, /srv/uploads/b")
    # the mount that is nearest has the path: /srv/uploads lies in /srv
    assert paths(plan) == {"content": ("a",), "uploads": ("b",)}
    _, _, plan = read(tmp_path, "backupbot.backup.path=/srv/,/srv/uploads/b")
    assert paths(plan) == {"content": (), "uploads": ("b",)}


def test_a_volume_in_which_an_older_label_names_no_path_is_in_no_backup(tmp_path: Path) -> None:
    app, stack, plan = read(tmp_path, "backupbot.backup.path=/srv/a")
    assert (paths(plan), plan.uncovered) == ({"content": ("a",)}, ("data", "uploads"))
    (_, line) = unbacked(app, stack, plan, unkept={})
    key = "services.app.deploy.labels.backupbot.backup.path"
    assert f"volumes.uploads: in no backup: compose.yml:11: {key} names no path in it; " in line
    _, _, plan = read(tmp_path, "backupbot.backup.path=/srv/a", "backupbot.backup.volumes.uploads.path=b")
    assert paths(plan) == {"content": ("a",), "uploads": ("b",)}


@pytest.mark.parametrize("path", ["/var/lib/app", "/srvx", "/", "srv", "/srv/../etc", ""])
def test_an_older_label_with_a_path_in_no_volume_is_an_error(path: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"compose\.yml:11: services\.app\.deploy\.labels\.backupbot"):
        read(tmp_path, f"backupbot.backup.path={path}")


def test_what_is_mounted_where_is_told_with_it(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"/data lies in no volume .* mounted at /srv, /srv/uploads"):
        read(tmp_path, "backupbot.backup.path=/data")


def test_one_labelled_service_does_not_excuse_the_others(tmp_path: Path) -> None:
    app, stack, plan = read(tmp_path)
    assert (paths(plan), plan.uncovered) == ({"content": (), "uploads": ()}, ("data",))
    (line,) = unbacked(app, stack, plan, unkept={})
    because = "backupbot.backup=true is not under deploy.labels of db"
    assert line == f"compose.yml:18: volumes.data: in no backup: {because}; {REMEDY}"


def test_the_suite_may_say_that_a_volume_needs_no_backup(tmp_path: Path) -> None:
    app, stack, plan = read(tmp_path)
    unkept = {"data": "filled from elsewhere"}
    assert unbacked(app, stack, plan, unkept=unkept) == ()
    (told,) = left_out(stack, plan, unkept=unkept)
    assert told == "volume data: in no backup, as suite.toml says: filled from elsewhere"


@pytest.mark.parametrize("where", ["app", "db"])
def test_the_recipe_may_say_that_a_volume_needs_no_backup(where: str, tmp_path: Path) -> None:
    label = "backupbot.backup.volumes.data=false"
    db = f'    deploy:\n      labels:\n        - "{label}"\n' if where == "db" else ""
    app, stack, plan = read(tmp_path, *([label] if where == "app" else []), db=db)
    assert (plan.uncovered, plan.excluded) == ((), ("data",))
    assert unbacked(app, stack, plan, unkept={}) == ()
    assert "volume data: in no backup, as a label says" in left_out(stack, plan, unkept={})[0]


def test_what_no_restore_brings_back_is_named_with_the_line_that_leaves_it_out(tmp_path: Path) -> None:
    label = "backupbot.backup.volumes.data=false"
    _, stack, plan = read(tmp_path / "label", label)
    at = stack.source(f"services.app.deploy.labels.{label.partition('=')[0]}")
    assert absent(stack, plan, unkept={}) == (f"volume data is in no backup: {at}",)
    _, stack, plan = read(tmp_path / "suite")
    (line,) = absent(stack, plan, unkept={"data": "made anew"})
    assert line == "volume data is in no backup: compose.yml:18, and suite.toml has it under [unkept]"


def test_what_one_service_leaves_out_another_may_back_up(tmp_path: Path) -> None:
    db = '    deploy:\n      labels:\n        - "backupbot.backup=true"\n'
    compose = COMPOSE.replace("      - data:/var/lib", "      - content:/c\n      - data:/var/lib")
    _, _, plan = read(tmp_path, "backupbot.backup.volumes.content=false", db=db, compose=compose)
    assert (paths(plan)["content"], plan.excluded) == ((), ())


@pytest.mark.parametrize("form", ['      - "backupbot.backup=true"', '      backupbot.backup: "true"'])
def test_a_label_of_the_container_is_read_by_nothing(form: str, tmp_path: Path) -> None:
    app, stack, plan = read(tmp_path, db=f"    labels:\n{form}\n")
    assert plan.uncovered == ("data",)
    (line,) = unbacked(app, stack, plan, unkept={})
    said = "compose.yml:16: services.db.labels.backupbot.backup is a container's label, which nothing reads"
    assert said in line
    assert line.startswith("compose.yml:20: volumes.data: in no backup")


def test_labels_that_the_environment_turns_off_are_told_with_its_line(tmp_path: Path) -> None:
    compose = COMPOSE.replace('backup=true"', 'backup=${ENABLE_BACKUPS:-true}"')
    app, stack, plan = read(tmp_path, compose=compose, env="\n# daily\nENABLE_BACKUPS=false\n")
    assert not plan.enabled
    lines = unbacked(app, stack, plan, unkept={})
    assert len(lines) == 3
    said = (
        "compose.yml:10: services.app.deploy.labels.backupbot.backup is 'false', "
        "since ENABLE_BACKUPS=false in .env.sample:5"
    )
    assert said in lines[0]
    app, stack, plan = read(tmp_path, compose=COMPOSE.replace("backup=true", "backup=false"))
    assert "backupbot.backup is 'false'; label it" in unbacked(app, stack, plan, unkept={})[0]


KINDS = """\
version: "3.8"
services:
  app:
    image: example:1
    volumes:
      - others:/others
      - fast:/fast
      - /new
      - type: tmpfs
        target: /tmp
      - /etc/localtime:/etc/localtime:ro
  later:
    image: example:1
    volumes: ["idle:/idle"]
    deploy: {replicas: 0}
volumes:
  others: {external: true}
  fast: {driver_opts: {type: tmpfs, device: tmpfs}}
  idle:
  unused:
"""


def test_what_holds_nothing_of_the_stacks_own_needs_no_label(tmp_path: Path) -> None:
    app, stack, plan = read(tmp_path, compose=KINDS)
    assert plan == BackupPlan(external=("others",))
    assert unbacked(app, stack, plan, unkept={}) == ()
    external, anonymous = left_out(stack, plan, unkept={})
    assert external == "compose.yml:17: volume others: external, so its owner backs it up"
    assert anonymous.startswith("compose.yml:8: services.app.volumes./new: has no name, so each task gets")


@pytest.mark.attack(
    what="A labelled service mounts an external volume, which belongs to somebody else.",
    before="The volume was backed up, and the restore wrote to it and deleted files in it.",
    now="The volume is in no plan, so neither markers nor restores touch it.",
    layer="reading",
)
def test_a_volume_of_somebody_elses_is_not_touched(tmp_path: Path) -> None:
    compose = COMPOSE.replace("  content:\n", "  content: {external: true}\n")
    _, _, plan = read(tmp_path, compose=compose)
    assert (paths(plan), plan.external) == ({"uploads": ()}, ("content",))


def test_a_volume_has_in_labels_the_name_that_swarm_gives_it(tmp_path: Path) -> None:
    compose = COMPOSE.replace("  content:\n", '  content: {name: "${STACK_NAME}_pages"}\n')
    _, _, plan = read(tmp_path, "backupbot.backup.volumes.pages.path=a", compose=compose)
    found = {one.volume: (one.name, one.paths) for one in plan.volumes}
    assert found["content"] == ("web_ci_test_pages", ("a",))


def test_a_volume_that_is_not_mounted_where_it_was_is_named(tmp_path: Path) -> None:
    _, old, _ = read(tmp_path / "old")
    renamed = COMPOSE.replace("content", "pages").replace("/data\n", "/other\n")
    _, new, _ = read(tmp_path / "new", compose=renamed)
    content, data = moved_volumes(old, new)
    assert (content.volume, content.gone) == ("web_ci_test_content", True)
    assert content.said == (
        "compose.yml:6: volume content was at app:/srv; volume pages is there now, and it is mounted nowhere"
    )
    assert (data.volume, data.gone) == ("web_ci_test_data", False)
    assert "no volume is there now, and it is at db:/var/lib/postgresql/other" in data.said
    assert moved_volumes(old, old) == ()


DATA, ABOVE = "/var/lib/postgresql/data", "/var/lib/postgresql"


@pytest.mark.parametrize(
    ("mounted", "before", "after", "moved"),
    [
        (DATA, [DATA], [DATA], False),
        (DATA, [DATA], [ABOVE], True),
        (f"{DATA}/", [DATA], [ABOVE], True),
        (ABOVE, [DATA], [f"{ABOVE}/18"], False),
        (DATA, [DATA], [DATA, "/var/cache"], False),
        (DATA, [], ["/var/cache"], False),
        ("/elsewhere", [DATA], [ABOVE], False),
        (DATA, [DATA], [], False),
    ],
)
def test_an_image_that_keeps_its_data_elsewhere_than_the_volume_is_seen(
    tmp_path: Path, mounted: str, before: list[str], after: list[str], *, moved: bool
) -> None:
    compose = COMPOSE.replace(":/var/lib/postgresql/data", f":{mounted}")
    _, old, _ = read(tmp_path / "old", compose=compose)
    _, new, _ = read(tmp_path / "new", compose=compose.replace("postgres:15", "postgres:18"))
    declared = {"postgres:15": tuple(before), "postgres:18": tuple(after)}
    found = moved_data(old, new, declared=declared)
    assert bool(found) is moved
    if moved:
        assert found[0].endswith(
            f": postgres:18 keeps its data at {after[0]}, where no volume is mounted;"
            f" postgres:15 kept it at {DATA}, where volume data is"
        )
