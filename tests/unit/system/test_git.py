"""Repositories that attack whoever reads them, each for real: plain git runs the canary, cc-ci does not."""

import itertools
import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cc_ci.errors import CcCiError, StageFailed, UsageError
from cc_ci.system import git
from cc_ci.system.process import LocalRunner

RUN = LocalRunner()
CLEAN = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    **dict.fromkeys(("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"), "a"),
    **dict.fromkeys(("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"), "a@example.com"),
}


def plain(repo: Path, *arguments: str, stdin: bytes | None = None, check: bool = True) -> str:
    """Git as anybody would run it in that folder."""
    done = subprocess.run(
        ["git", "-C", str(repo), *arguments], env=CLEAN, input=stdin, capture_output=True, check=False
    )
    assert not check or done.returncode == 0, done.stderr
    return done.stdout.decode().strip()


def set_up(repo: Path) -> Path:
    repo.mkdir(parents=True)
    plain(repo, "init", "-q", "-b", "main")
    (repo / "compose.yml").write_text("services: {}\n")
    (repo / "run.sh").write_text("#!/bin/sh\n")
    (repo / "run.sh").chmod(0o755)
    (repo / "here").symlink_to("compose.yml")
    commit(repo)
    plain(repo, "tag", "-a", "-m", "one", "1.0.0")
    plain(repo, "tag", "light")
    return repo


def commit(repo: Path) -> str:
    plain(repo, "add", "-A")
    plain(repo, "commit", "-q", "-m", "a commit")
    return plain(repo, "rev-parse", "HEAD")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return set_up(tmp_path / "recipe")


TIMES = itertools.count(1)


def touch_all(repo: Path) -> None:
    """Let git look at every file's content again."""
    moment = next(TIMES)
    for path in (*repo.iterdir(), *repo.glob("inner/*")):
        if path.is_file():
            os.utime(path, (moment, moment))


def set_filter(repo: Path, canary: Path) -> None:
    (repo / ".gitattributes").write_text("* filter=evil\n")
    commit(repo)
    for way in ("clean", "smudge"):
        plain(repo, "config", f"filter.evil.{way}", f"touch {canary}; cat")
    touch_all(repo)


def set_process_filter(repo: Path, canary: Path) -> None:
    set_filter(repo, canary)
    for way in ("clean", "smudge"):
        plain(repo, "config", "--unset", f"filter.evil.{way}")
    plain(repo, "config", "filter.evil.process", f"touch {canary}")


def set_text_conversion(repo: Path, canary: Path) -> None:
    (repo / ".gitattributes").write_text("* diff=evil\n")
    commit(repo)
    (repo / "compose.yml").write_text("services: {app: {}}\n")
    plain(repo, "config", "diff.evil.textconv", f"touch {canary}; cat")


def set_monitor(repo: Path, canary: Path) -> None:
    plain(repo, "config", "core.fsmonitor", f"touch {canary}; false")
    touch_all(repo)


def set_include(repo: Path, canary: Path) -> None:
    (repo / ".gitattributes").write_text("* filter=evil\n")
    (repo / "settings").write_text(f'[filter "evil"]\n\tclean = "touch {canary}; cat"\n')
    commit(repo)
    plain(repo, "config", "include.path", "../settings")
    touch_all(repo)


def set_hooks(repo: Path, canary: Path) -> None:
    for name in ("post-index-change", "reference-transaction", "post-checkout"):
        hook = repo / ".git/hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {canary}\n")
        hook.chmod(0o755)
    touch_all(repo)


def set_submodule(repo: Path, canary: Path) -> None:
    inner = set_up(repo / "inner")
    plain(repo, "add", "inner")
    plain(repo, "commit", "-q", "-m", "with a submodule")
    set_filter(inner, canary)


def set_promisor(repo: Path, canary: Path) -> None:
    """A file's content is missing, and to be had from a remote that is a program."""
    blob = plain(repo, "rev-parse", "HEAD:compose.yml")
    (repo / ".git/objects" / blob[:2] / blob[2:]).unlink()
    plain(repo, "config", "core.repositoryformatversion", "1")
    plain(repo, "config", "extensions.partialClone", "origin")
    plain(repo, "config", "remote.origin.promisor", "true")
    plain(repo, "config", "protocol.ext.allow", "always")
    plain(repo, "config", "remote.origin.url", f"ext::touch {canary}")


def set_ssh_command(repo: Path, canary: Path) -> None:
    plain(repo, "config", "core.sshCommand", f"touch {canary};")
    plain(repo, "config", "remote.origin.url", "ssh://git@127.0.0.1:1/recipe")


def set_upload_pack(repo: Path, canary: Path) -> None:
    plain(repo, "config", "remote.origin.url", f"file://{repo}")
    plain(repo, "config", "remote.origin.uploadpack", f"touch {canary};")


def set_program_as_remote(repo: Path, canary: Path) -> None:
    plain(repo, "config", "protocol.ext.allow", "always")
    plain(repo, "config", "remote.origin.url", f"ext::touch {canary}")


ARMED = [
    pytest.param(
        set_filter,
        ("status",),
        id="filter",
        marks=pytest.mark.attack(
            what="a repository's config names a filter, and its attributes use it for every file",
            before="`git status` and `git archive` ran it as the user of cc-ci, root",
            now="git sees the objects alone, in a repository of our own without any filter",
            layer="reading",
        ),
    ),
    pytest.param(
        set_process_filter,
        ("status",),
        id="process",
        marks=pytest.mark.attack(
            what="the same with a filter that is one long-running process",
            before="it was run",
            now="git does not know of it",
            layer="reading",
        ),
    ),
    pytest.param(
        set_text_conversion,
        ("diff",),
        id="textconv",
        marks=pytest.mark.attack(
            what="a repository's config names a program that makes text of its files for comparing them",
            before="nothing ran it, since nothing asked for a diff",
            now="git does not know of it, whatever is asked",
            layer="reading",
        ),
    ),
    pytest.param(
        set_monitor,
        ("status",),
        id="fsmonitor",
        marks=pytest.mark.attack(
            what="a repository's config names a program that watches files (core.fsmonitor)",
            before="nothing ran it: it was switched off by its name",
            now="git sees no setting of the repository",
            layer="reading",
        ),
    ),
    pytest.param(
        set_include,
        ("status",),
        id="include",
        marks=pytest.mark.attack(
            what="a repository's config includes a file of the work tree that names a program",
            before="the included settings were the repository's own, and the program was run",
            now="git sees no setting of the repository",
            layer="reading",
        ),
    ),
    pytest.param(
        set_hooks,
        ("reset", "--hard"),
        id="hooks",
        marks=pytest.mark.attack(
            what="a repository brings hooks for every change of its index, names and files",
            before="hooks were switched off",
            now="the repository of our own has none",
            layer="reading",
        ),
    ),
    pytest.param(
        set_submodule,
        ("status",),
        id="submodule",
        marks=pytest.mark.attack(
            what="a submodule's own config names a filter for its files",
            before="`git status` ran git in the submodule, which ran the program",
            now="submodules are not entered",
            layer="reading",
        ),
    ),
    pytest.param(
        set_promisor,
        ("archive", "--format=tar", "HEAD"),
        id="promisor",
        marks=pytest.mark.attack(
            what="a file's content is missing, to be fetched from a remote that is a program (ext::)",
            before="git ran the program to fetch it",
            now="there is no remote to fetch from; the content is said to be missing",
            layer="reading",
        ),
    ),
    pytest.param(
        set_ssh_command,
        ("ls-remote", "origin"),
        id="ssh",
        marks=pytest.mark.attack(
            what="a repository's config names the program that connects to its remote (core.sshCommand)",
            before="nothing ran it, since only the remote's address was taken from the config",
            now="the same, and the address must be an https or ssh one",
            layer="reading",
        ),
    ),
    pytest.param(
        set_upload_pack,
        ("ls-remote", "origin"),
        id="uploadpack",
        marks=pytest.mark.attack(
            what="a repository's config names the program that a remote is served by (remote.*.uploadpack)",
            before="nothing ran it, since only the remote's address was taken from the config",
            now="a remote on this machine is read as any untrusted folder",
            layer="reading",
        ),
    ),
    pytest.param(
        set_program_as_remote,
        ("ls-remote", "origin"),
        id="ext",
        marks=pytest.mark.attack(
            what="a repository's remote is a program (ext::)",
            before="git refused it, by the list of protocols that was allowed",
            now="it is refused before git is asked",
            layer="reading",
        ),
    ),
]


@pytest.mark.parametrize(("arm", "command"), ARMED)
def test_nothing_that_a_repository_brings_is_run(
    arm: Callable[[Path, Path], None], command: tuple[str, ...], repo: Path, tmp_path: Path
) -> None:
    canary = tmp_path / "canary"
    arm(repo, canary)
    plain(repo, *command, check=False)
    assert canary.exists(), "the attack does not work, so that nothing is shown"
    canary.unlink()
    touch_all(repo)

    assert git.commit_id(repo, runner=RUN)
    assert [tag.name for tag in git.list_tags(repo, runner=RUN)] == ["1.0.0", "light"]
    assert not git.is_shallow(repo, runner=RUN)
    git.is_dirty(repo, runner=RUN)
    for attempt in (
        lambda: git.export_tree(repo, "HEAD", tmp_path / "out", runner=RUN),
        lambda: git.remote_tags(repo, runner=RUN),
        lambda: git.clone(f"file://{repo}", tmp_path / "clone", runner=RUN),
    ):
        try:
            attempt()
        except CcCiError as error:
            assert "\n" not in str(error)  # noqa: PT017 - some of them have to fail, each in one line
    assert not canary.exists()


@pytest.mark.attack(
    what="A recipe's attributes name a filter from the user's own settings (such as git-lfs), or a hook.",
    before="A clone ran the user's filters and templates on the recipe's files.",
    now="Files are laid out without the user's settings.",
    layer="reading",
)
def test_a_clone_runs_none_of_the_users_own_filters(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repo / ".gitattributes").write_text("* filter=lfs\n")
    commit(repo)
    home, canary = tmp_path / "home", tmp_path / "canary"
    hook = home / "template/hooks/post-checkout"
    hook.parent.mkdir(parents=True)
    hook.write_text(f"#!/bin/sh\ntouch {canary}\n")
    hook.chmod(0o755)
    (home / ".gitconfig").write_text(
        f'[filter "lfs"]\n\tsmudge = touch {canary}; cat\n[init]\n\ttemplateDir = {home}/template\n'
    )
    monkeypatch.setenv("HOME", str(home))
    git.clone(f"file://{repo}", tmp_path / "clone", runner=RUN)
    assert (tmp_path / "clone/run.sh").stat().st_mode & stat.S_IXUSR
    assert not canary.exists()
    assert not git.is_dirty(tmp_path / "clone", runner=RUN)


@pytest.mark.attack(
    what="An address is a program, an option or a plain-text protocol, or hides an option in it.",
    before="git was called with it, and refused most of them.",
    now="Only https, ssh, user@host:path and file:/// are allowed; anything else is refused before git runs.",
    layer="input",
)
@pytest.mark.parametrize(
    "address",
    [
        "ext::sh -c touch% CANARY% ://x/recipe",
        "fd::17://x",
        "--upload-pack=touch CANARY;://x/recipe",
        "-ucd://x",
        "http://example.com/recipe",
        "git://example.com/recipe",
        "ftp://example.com/recipe",
        "https://-x/recipe",
        "ssh://-oProxyCommand=touch%20CANARY/recipe",
        "ssh://git@-oProxyCommand=x/recipe",
        "git@-oProxyCommand=x:recipe",
        "git@example.com:-recipe",
        "https://example.com/a b",
        "https://example.com/\nrecipe",
        "file://host/recipe",
        "https://",
        "",
    ],
)
def test_an_address_that_is_none_is_refused_before_git_is_asked(address: str, tmp_path: Path) -> None:
    def never(*_arguments: object, **_options: object) -> None:
        raise AssertionError("a program was run")

    with pytest.raises(UsageError, match="nothing is fetched from such an address") as caught:
        git.clone(address, tmp_path / "clone", runner=never)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "https://git.example.com/coop-cloud/recipe.git",
        "https://me:token@git.example.com:8443/recipe",
        "https://[::1]/recipe",
        "ssh://git@git.example.com:2222/coop-cloud/recipe.git",
        "git@git.example.com:coop-cloud/recipe.git",
        "file:///srv/recipes/re%20cipe",
    ],
)
def test_an_address_is_taken_as_people_write_it(address: str) -> None:
    assert git.ADDRESS.fullmatch(address)


def elsewhere(tmp_path: Path) -> Path:
    other = set_up(tmp_path / "private")
    (other / "compose.yml").write_text("services: {private: {}}\n")
    commit(other)
    plain(other, "tag", "9.9.9")
    return other


def link(name: str) -> Callable[[Path, Path], None]:
    def arm(repo: Path, other: Path) -> None:
        entry = repo / ".git" / name
        entry.rename(repo / "kept")
        entry.symlink_to(other / ".git" / name)

    return arm


def link_all(repo: Path, other: Path) -> None:
    (repo / ".git").rename(repo / "kept")
    (repo / ".git").symlink_to(other / ".git")


def link_pack(repo: Path, other: Path) -> None:
    plain(other, "gc", "-q")
    pack = repo / ".git/objects/pack"
    for file in (other / ".git/objects/pack").iterdir():
        (pack / file.name).symlink_to(file)


def name_other(repo: Path, other: Path) -> None:
    (repo / ".git").rename(repo / "kept")
    (repo / ".git").write_text(f"gitdir: {other}/.git\n")


def name_other_by_common_folder(repo: Path, other: Path) -> None:
    (repo / ".git").rename(repo / "kept")
    own = repo / "own"
    own.mkdir()
    (own / "HEAD").write_text("ref: refs/heads/main\n")
    (own / "gitdir").write_text(f"{repo}/.git\n")
    (own / "commondir").write_text(f"{other}/.git\n")
    (repo / ".git").write_text(f"gitdir: {own}\n")


def borrow(repo: Path, other: Path) -> None:
    (repo / ".git/objects/info").mkdir(exist_ok=True)
    (repo / ".git/objects/info/alternates").write_text(f"{other}/.git/objects\n")
    (repo / ".git/refs/tags/9.9.9").write_text(plain(other, "rev-parse", "HEAD") + "\n")


@pytest.mark.attack(
    what="A recipe's .git, or something in it, points to another repository on the host.",
    before="cc-ci followed it, so another repository's files could be deployed and served as the recipe's.",
    now="Each is refused by name; only a repository that names the recipe's folder itself is followed.",
    layer="reading",
)
@pytest.mark.parametrize(
    "arm",
    [
        *map(link, ("objects", "refs", "HEAD")),
        *(link_all, link_pack, name_other, name_other_by_common_folder, borrow),
    ],
)
def test_another_repository_of_the_host_is_never_read(
    arm: Callable[[Path, Path], None], repo: Path, tmp_path: Path
) -> None:
    arm(repo, elsewhere(tmp_path))
    for attempt in (
        lambda: git.list_tags(repo, runner=RUN),
        lambda: git.is_dirty(repo, runner=RUN),
        lambda: git.export_tree(repo, "9.9.9", tmp_path / "out", runner=RUN),
        lambda: git.clone(f"file://{repo}", tmp_path / "clone", runner=RUN),
    ):
        with pytest.raises(UsageError, match=r"(is|which is) not (followed|read)") as caught:
            attempt()
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.attack(
    what="A pipe is where git reads: HEAD, packed-refs, an object, a tag.",
    before="The run waited for it for ever.",
    now="The pipe is refused at once.",
    layer="reading",
)
@pytest.mark.parametrize(
    "name", ["HEAD", "packed-refs", "refs/tags/pipe", "objects/aa", "objects/ab/" + "0" * 38, "shallow"]
)
def test_a_pipe_in_a_repository_holds_up_nobody(name: str, repo: Path) -> None:
    path = repo / ".git" / name
    if path.is_dir():
        # an object that is there may begin with these letters
        pytest.skip(f"{name} is a folder of this repository's objects")
    path.unlink(missing_ok=True)
    path.parent.mkdir(exist_ok=True)
    os.mkfifo(path)
    if name == "objects/aa":
        assert git.list_tags(repo, runner=RUN)
        return
    with pytest.raises(UsageError, match="no plain file"):
        git.list_tags(repo, runner=RUN)


@pytest.mark.attack(
    what="A .gitignore is a pipe, which git opens and waits for.",
    before="The run waited for ever, without a deadline.",
    now="git has a minute; then one line blames the recipe.",
    layer="reading",
)
def test_git_has_a_deadline(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git, "LONGEST", 1.0)
    os.mkfifo(repo / ".gitignore")
    with pytest.raises(StageFailed, match="recipe: git status takes longer than 1 s; look for pipes"):
        git.is_dirty(repo, runner=RUN)


@pytest.mark.attack(
    what="A repository's index marks changed files as not to be checked.",
    before="A changed tree passed as its commit.",
    now="The index is rebuilt from the commit.",
    layer="reading",
)
def test_an_index_that_lies_hides_no_change(repo: Path) -> None:
    assert not git.is_dirty(repo, runner=RUN)
    plain(repo, "update-index", "--assume-unchanged", "compose.yml")
    (repo / "compose.yml").write_text("services: {changed: {}}\n")
    assert plain(repo, "status", "--porcelain") == ""
    assert git.is_dirty(repo, runner=RUN)


@pytest.mark.attack(
    what="A repository replaces objects by others (refs/replace), or names another work tree in its config.",
    before="Replaced trees were laid out, and changes were looked for in another folder.",
    now="cc-ci does not read replacements and settings.",
    layer="reading",
)
def test_replacements_and_other_work_trees_count_for_nothing(repo: Path, tmp_path: Path) -> None:
    first = plain(repo, "rev-parse", "HEAD")
    (repo / "compose.yml").write_text("services: {evil: {}}\n")
    second = commit(repo)
    plain(repo, "replace", first, second)
    plain(repo, "pack-refs", "--all")
    (tmp_path / "empty").mkdir()
    plain(repo, "config", "core.worktree", str(tmp_path / "empty"))
    git.export_tree(repo, "1.0.0", tmp_path / "out", runner=RUN)
    assert (tmp_path / "out/compose.yml").read_text() == "services: {}\n"
    assert not git.is_dirty(repo, runner=RUN)


@pytest.mark.attack(
    what="A tree's attributes hide files from an archive, or put the commit's text into them.",
    before="The tested tree differed from the one that operators check out.",
    now="Files come out exactly as they were committed.",
    layer="reading",
)
def test_files_come_out_as_they_were_put_in(repo: Path, tmp_path: Path) -> None:
    (repo / ".gitattributes").write_text("compose.yml export-ignore\nrun.sh export-subst eol=crlf ident\n")
    (repo / "run.sh").write_text("#!/bin/sh\n# $Format:%H$ $Id$\n")
    commit(repo)
    git.export_tree(repo, "HEAD", tmp_path / "out", runner=RUN)
    assert (tmp_path / "out/run.sh").read_bytes() == b"#!/bin/sh\n# $Format:%H$ $Id$\n"
    assert (tmp_path / "out/run.sh").stat().st_mode & stat.S_IXUSR
    assert (tmp_path / "out/here").readlink() == Path("compose.yml")
    assert (tmp_path / "out/compose.yml").exists()


def crafted(repo: Path, *entries: tuple[str, str, str]) -> str:
    """A commit of a tree that git itself would not make."""
    tree = b"".join(f"{mode} {name}\0".encode() + bytes.fromhex(target) for mode, name, target in entries)
    literally = ("hash-object", "-w", "--literally", "--stdin")
    made = plain(repo, *literally, "-t", "tree", stdin=tree)
    text = f"tree {made}\nauthor a <a> 1 +0000\ncommitter a <a> 1 +0000\n\nx\n".encode()
    return plain(repo, *literally, "-t", "commit", stdin=text)


@pytest.mark.attack(
    what="A tree has names that git would not create: .git, .., or a file below a link of the same name.",
    before="git and tar refused them, and the host was blamed.",
    now="Such names are refused before anything is written, and nothing is written through a link.",
    layer="reading",
)
@pytest.mark.parametrize("name", [".git", ".GIT", "..", ".", "a"])
def test_a_crafted_tree_writes_nothing_outside(name: str, repo: Path, tmp_path: Path) -> None:
    blob = plain(repo, "hash-object", "-w", "--stdin", stdin=b"evil")
    link = plain(repo, "hash-object", "-w", "--stdin", stdin=str(tmp_path).encode())
    inner = plain(repo, "mktree", stdin=f"100644 blob {blob}\tcanary\n".encode())
    entries = [("40000", name, inner)] if name != "a" else [("120000", "a", link), ("40000", "a", inner)]
    made = crafted(repo, *entries)
    with pytest.raises(StageFailed) as caught:
        git.export_tree(repo, made, tmp_path / "out/deep", runner=RUN)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.rglob("canary"))


@pytest.mark.attack(
    what="A small repository contains a huge tree: one blob under thousands of names.",
    before="The whole tree was written out, until the disk was full.",
    now="Its files and bytes are counted before anything is written.",
    layer="reading",
)
def test_a_tree_that_is_too_large_is_refused_before_it_is_written(repo: Path, tmp_path: Path) -> None:
    inner = plain(repo, "rev-parse", "HEAD^{tree}")
    for _ in range(5):
        inner = plain(
            repo, "mktree", stdin="".join(f"040000 tree {inner}\td{n}\n" for n in range(9)).encode()
        )
    made = crafted(repo, ("40000", "d", inner))
    with pytest.raises(StageFailed, match="more than 20000 files; take out what no app needs"):
        git.export_tree(repo, made, tmp_path / "out", runner=RUN)
    assert not (tmp_path / "out").exists()


def test_a_repository_that_git_can_not_read_is_no_fault_of_ours(repo: Path) -> None:
    tag = plain(repo, "rev-parse", "1.0.0")
    (repo / ".git/objects" / tag[:2] / tag[2:]).chmod(0o644)
    (repo / ".git/objects" / tag[:2] / tag[2:]).write_bytes(b"rubbish")
    with pytest.raises(
        StageFailed, match=r"recipe: git for-each-ref: exit \d+: .*; clone the repository again"
    ):
        git.list_tags(repo, runner=RUN)


def test_a_partial_clone_is_told_from_a_broken_one(repo: Path, tmp_path: Path) -> None:
    plain(repo, "config", "uploadpack.allowFilter", "true")
    (repo / "compose.yml").write_text("services: {app: {}}\n")
    commit(repo)
    plain(tmp_path, "clone", "-q", "--filter=blob:none", f"file://{repo}", "partial")
    assert len(git.list_tags(tmp_path / "partial", runner=RUN)) == 2
    assert not git.is_dirty(tmp_path / "partial", runner=RUN)
    with pytest.raises(
        UsageError, match="partial clone, and nothing is fetched for it; clone it without --filter"
    ):
        git.export_tree(tmp_path / "partial", "1.0.0", tmp_path / "out", runner=RUN)


def test_what_differs_from_the_commit_is_seen(repo: Path) -> None:
    (repo / ".gitignore").write_text("ignored\n")
    (repo / ".gitattributes").write_text("*.sh eol=crlf\n")
    commit(repo)
    (repo / "ignored").write_text("")
    (repo / ".git/info").mkdir(exist_ok=True)
    (repo / ".git/info/exclude").write_text("mine\n")
    (repo / "mine").write_text("")
    assert not git.is_dirty(repo, runner=RUN)
    (repo / "run.sh").write_bytes(b"#!/bin/sh\r\n")
    assert not git.is_dirty(repo, runner=RUN)
    (repo / "run.sh").chmod(0o644)
    assert git.is_dirty(repo, runner=RUN)
    (repo / "run.sh").chmod(0o755)
    (repo / "new").write_text("")
    assert git.is_dirty(repo, runner=RUN)


@pytest.mark.parametrize("way", ["packed", "worktree", "submodule", "detached", "sha256", "bare", "shallow"])
def test_repositories_of_all_kinds_are_read(way: str, repo: Path, tmp_path: Path) -> None:
    found = repo
    if way == "packed":
        plain(repo, "gc", "-q")
    elif way == "worktree":
        found = tmp_path / "tree"
        plain(repo, "worktree", "add", "-q", str(found))
    elif way == "submodule":
        over = set_up(tmp_path / "catalogue")
        plain(over, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(repo), "sub")
        found = over / "sub"
        assert (found / ".git").is_file()
    elif way == "detached":
        plain(repo, "checkout", "-q", "--detach")
    elif way == "sha256":
        found = tmp_path / "long"
        found.mkdir()
        plain(found, "init", "-q", "--object-format=sha256")
        (found / "compose.yml").write_text("services: {}\n")
        commit(found)
        plain(found, "tag", "-a", "-m", "one", "1.0.0")
        plain(found, "tag", "light")
    else:
        found = tmp_path / way
        source = f"file://{repo}"
        if way == "bare":
            plain(tmp_path, "clone", "-q", "--bare", str(repo), "only.git")
            source = f"file://{tmp_path}/only.git"
        git.clone(source, found, runner=RUN)
        if way == "shallow":
            plain(found, "fetch", "-q", "--depth=1", source)
    tags = git.list_tags(found, runner=RUN)
    assert [(tag.name, tag.annotated) for tag in tags] == [("1.0.0", True), ("light", False)]
    assert git.commit_id(found, runner=RUN) == plain(found, "rev-parse", "HEAD") == tags[0].commit
    assert not git.is_dirty(found, runner=RUN)
    assert git.is_shallow(found, runner=RUN) == (way == "shallow")
    git.export_tree(found, "1.0.0", tmp_path / "out", runner=RUN)
    assert (tmp_path / "out/compose.yml").read_text() == "services: {}\n"


def test_a_clone_is_whole_and_knows_where_it_came_from(repo: Path, tmp_path: Path) -> None:
    git.clone(f"file://{repo}", tmp_path / "clone", runner=RUN)
    assert plain(tmp_path / "clone", "remote", "get-url", "origin") == f"file://{repo}"
    assert git.remote_tags(tmp_path / "clone", runner=RUN) == ("1.0.0", "light")
    with pytest.raises(UsageError, match="no git repository there"):
        git.clone(f"file://{tmp_path}", tmp_path / "other", runner=RUN)


def test_a_folder_inside_of_another_repository_is_no_repository(repo: Path) -> None:
    (repo / "folder").mkdir()
    assert git.list_tags(repo / "folder", runner=RUN) == ()
    assert git.commit_id(repo / "folder", runner=RUN) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_repository_of_another_user_is_read_and_nothing_of_it_is_run(repo: Path) -> None:
    for path in (repo, *repo.rglob("*")):
        os.chown(path, 12345, 12345, follow_symlinks=False)
    assert git.commit_id(repo, runner=RUN)
    assert not git.is_dirty(repo, runner=RUN)


def test_before_the_first_commit_there_is_nothing_to_be_reached(tmp_path: Path) -> None:
    """A recipe that was just begun is linted like any other."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    assert git.list_tags(tmp_path, runner=LocalRunner(), reachable_from="HEAD") == ()
