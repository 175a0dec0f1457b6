"""Whatever a recipe's files hold, they are read, or refused in one line, at once."""

import tempfile
from pathlib import Path

from hostile import SMALL, any_file, at_once, survives, texts
from hypothesis import example, given
from hypothesis import strategies as st

from cc_ci.errors import UsageError
from cc_ci.recipes.abra_sh import read_script
from cc_ci.recipes.configuring import configure
from cc_ci.recipes.env_sample import evaluate, read_assignments
from cc_ci.recipes.faults import RecipeError
from cc_ci.recipes.image_names import is_image
from cc_ci.recipes.inspection import inspect
from cc_ci.recipes.linting.lint import lint
from cc_ci.recipes.plain import duration_text, nanoseconds, shell_words, size_bytes
from cc_ci.recipes.recipe import read_recipe
from cc_ci.recipes.routes import front_doors, routes
from cc_ci.recipes.stack import read_stack
from cc_ci.recipes.templates import rendered
from cc_ci.recipes.versions import parse_version
from cc_ci.recipes.yaml_text import read_document


@SMALL
@given(any_file("compose*.yml"))
@example("a: &a\n  <<: [*a]\n")
@example("? {a: 1}\n: 2\n")
@example("- &x - *x")
@example("a: !!binary =\n")
@example("&a a: *a\n")
def test_yaml(text: str) -> None:
    survives(lambda: read_document(text, name="compose.yml"), RecipeError)


@SMALL
@given(any_file(".env.sample"))
def test_variables(text: str) -> None:
    survives(lambda: evaluate(read_assignments(text), {"DOMAIN": "x.test"}), RecipeError)


@SMALL
@given(any_file("abra.sh"))
def test_scripts(text: str) -> None:
    survives(lambda: read_script(text), RecipeError)


@SMALL
@given(texts)
def test_plain_forms(text: str) -> None:
    with at_once():
        length, size = nanoseconds(text), size_bytes(text)
        assert length is None or nanoseconds(duration_text(length)) == length
        assert size is None or 0 <= size < 2**63
        shell_words(text)
        is_image(text)


@SMALL
@given(st.lists(st.one_of(texts, st.from_regex(r"v?[0-9.]{1,30}(\+.{0,30})?", fullmatch=True)), max_size=10))
def test_versions(written: list[str]) -> None:
    with at_once():
        sorted(version for text in written if (version := parse_version(text)))


@SMALL
@given(texts)
def test_templates(text: str) -> None:
    survives(lambda: rendered(text, env={"A": "1"}, secret=str, where="config x"), UsageError)


def whole(root: Path) -> None:
    """All that any command reads of a recipe without a node."""
    found = read_recipe(root)
    stack = read_stack(configure(found, domain="evil-1a2b3c.ci.test"))
    front_doors(routes(stack), domain="evil-1a2b3c.ci.test")
    inspect(found)
    lint(found)


@SMALL
@given(
    compose=any_file("compose.yml"),
    sample=any_file(".env.sample"),
    script=any_file("abra.sh"),
    which=st.integers(0, 7),
)
def test_recipes(compose: str, sample: str, script: str, which: int) -> None:
    """Broken one by one and together: a sound rest lets a fault come further."""
    sound = ("services: {app: {image: 'x:1'}}\n", "TYPE=evil\nDOMAIN=evil.example.com\n", "")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "evil"
        root.mkdir()
        for bit, (name, broken) in enumerate(
            (("compose.yml", compose), (".env.sample", sample), ("abra.sh", script))
        ):
            written = broken if which & 1 << bit else sound[bit]
            (root / name).write_text(written, encoding="utf-8", errors="replace", newline="")
        survives(lambda: whole(root), RecipeError, UsageError)
