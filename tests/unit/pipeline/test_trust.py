"""Who is trusted with what: by the operator's word, and by what was asked for."""

from pathlib import Path

import pytest

from cc_ci.errors import UsageError
from cc_ci.pipeline.trust import Trust
from cc_ci.system.settings import environment_layer, file_layers, load_resolved, resolve

CLOCK = "bind:/etc/localtime"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout in a CI: its folder has the name of a recipe that is trusted."""
    folder = tmp_path / "work" / "clock"
    folder.mkdir(parents=True)
    (folder / ".env.sample").write_text("TYPE=clock\n")
    return folder


@pytest.mark.attack(
    what="A pull request is checked out into a folder, or has a TYPE, with the name of a trusted recipe.",
    before="Nothing was refused, so nothing had to be trusted.",
    now="A name is trusted only if it comes from the operator's folders; a folder is trusted by its path.",
    layer="reading",
)
def test_a_folders_name_is_no_name_that_is_trusted(root: Path) -> None:
    trust = Trust(table={"clock": (CLOCK,)})
    for asked in (str(root), f"{root}/", str(root / ".." / "clock")):
        assert trust.of(asked, root, roots=()) == ()


def test_a_name_is_trusted_where_it_is_looked_up(root: Path) -> None:
    trust = Trust(table={"clock": (CLOCK,), str(root): ("engine-socket",)})
    assert trust.of("clock", root, roots=(root.parent,)) == (CLOCK, "engine-socket")
    assert trust.of(str(root), root, roots=(root.parent,)) == ("engine-socket",)


def test_a_name_that_is_only_a_folder_here_is_none(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root.parent)
    assert Trust(table={"clock": (CLOCK,)}).of("clock", root, roots=()) == ()


@pytest.mark.parametrize(
    "asked",
    [
        "https://git.example.org/recipes/clock",
        "https://git.example.org/recipes/clock.git",
        "https://me:token@git.example.org/recipes/clock/",
    ],
)
def test_an_address_is_trusted_however_it_is_written(asked: str, root: Path) -> None:
    trust = Trust(table={"https://git.example.org/recipes/clock.git": (CLOCK,), "clock": ("engine-socket",)})
    assert trust.of(asked, root, roots=()) == (CLOCK,)
    assert trust.of("https://evil.example.org/recipes/clock", root, roots=()) == ()
    assert trust.of("https://git.example.org@evil.example.org/recipes/clock", root, roots=()) == ()


def test_a_name_of_no_permission_ends_the_run_where_it_counts(root: Path) -> None:
    with pytest.raises(UsageError, match="--trust everything: no such permission"):
        Trust(given=("everything",)).under_test(str(root), root, roots=())
    with pytest.raises(UsageError, match=r"trust: bnd:/x: .* did you mean bind\?"):
        Trust(table={str(root): ("bnd:/x",)}).under_test(str(root), root, roots=())
    assert Trust(table={"other": ("bnd:/x",)}).under_test(str(root), root, roots=()) == ()


@pytest.mark.attack(
    what="A recipe brings a cc-ci.toml that trusts it, or a CI runs in the recipe's own folder.",
    before="Nothing was refused, so nothing had to be trusted.",
    now="Trust is read from the operator's own files only; elsewhere the key is an error.",
    layer="reading",
)
def test_trust_is_the_operators_to_give(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cc-ci.toml").write_text('[trust]\nclock = ["engine-socket"]\n')
    given = resolve(file_layers([tmp_path / "cc-ci.toml"])).settings.trust
    assert given == {"clock": ("engine-socket",)}
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"cc-ci.toml: trust: may come with what is tested; .* --trust"):
        resolve(file_layers([Path("cc-ci.toml")]))
    with pytest.raises(UsageError, match="environment CC_CI_TRUST: trust: may come with what is tested"):
        resolve(environment_layer({"CC_CI_TRUST": "engine-socket"}))


@pytest.mark.attack(
    what="A pull request's cc-ci.toml has a `recipes` setting that points a trusted name to its own recipe.",
    before="Nothing was refused, so nothing had to be trusted.",
    now="If ./cc-ci.toml sets the recipe folders, names are not trusted; whole paths still are.",
    layer="reading",
)
def test_a_name_that_is_looked_up_where_anyone_says_is_no_name(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = root.parent
    (folder / "cc-ci.toml").write_text('recipes = ["."]\n')
    monkeypatch.chdir(folder)
    assert load_resolved().from_here("recipes")
    assert not load_resolved({"recipes": [str(folder)]}).from_here("recipes")
    table = {"clock": (CLOCK,), str(root): ("engine-socket",)}
    trust = Trust(table=table, by_name=False)
    assert trust.of("clock", root, roots=(folder,)) == ("engine-socket",)
