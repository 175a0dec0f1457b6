"""Recipes that were made to hang, to kill or to confuse their reader: one line, at once, and its blame."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from cc_ci.cli.recipe import recipe as command
from cc_ci.recipes import recipe as recipes
from cc_ci.recipes.boundary import understanding
from cc_ci.recipes.configuring import app_env, configure
from cc_ci.recipes.env_sample import evaluate, read_assignments
from cc_ci.recipes.faults import RecipeError, Source
from cc_ci.recipes.image_names import is_image
from cc_ci.recipes.linting.lint import lint
from cc_ci.recipes.recipe import read_recipe
from cc_ci.recipes.stack import read_stack
from cc_ci.recipes.versions import parse_version
from cc_ci.recipes.yaml_text import read_document
from cc_ci.system.clearing import remove_tree

COMPOSE = """services:
  app:
    image: nginx:1.22.1
    deploy:
      labels:
        - "coop-cloud.${STACK_NAME}.version=1.0.0+1.22.1"
"""
ENV = "TYPE=evil\nDOMAIN=evil.example.com\n"
AT_ONCE = 5.0
"""Seconds, on a machine that does other things beside; each of these took minutes, or for ever."""


def write(root: Path, *, compose: str = COMPOSE, env: str = ENV, script: str = "") -> Path:
    root.mkdir(exist_ok=True)
    for name, text in (("compose.yml", compose), (".env.sample", env), ("abra.sh", script)):
        (root / name).write_text(text)
    return root


def service(lines: str) -> str:
    return COMPOSE.replace("    deploy:\n", f"    {lines}\n    deploy:\n")


def label(text: str) -> str:
    return f'{COMPOSE}        - "{text}"\n'


def understood(root: Path) -> None:
    """Read it as every command does."""
    started = time.monotonic()
    try:
        found = read_recipe(root)
        read_stack(configure(found, domain="evil.ci.test"))
        lint(found)
    finally:
        assert time.monotonic() - started < AT_ONCE


def refused(root: Path, said: str) -> None:
    with pytest.raises(RecipeError, match=said) as caught:
        understood(root)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1200


BOMB = "".join(f"x-{i}: &{i} [{', '.join([f'*{i - 1}'] * 9)}]\n" for i in range(1, 12))
CHAIN = "".join(f"x-{i}: &{i}\n  <<: *{i - 1}\n  k{i}: 1\n" for i in range(1, 400))


@pytest.mark.parametrize(
    ("compose", "said"),
    [
        pytest.param(
            f"{COMPOSE}x-a: {'[' * 100_000}{']' * 100_000}\n",
            r"compose.yml:7: nested too deeply: more than 64 levels",
            marks=pytest.mark.attack(
                what="a compose file nests 100,000 lists",
                before="the reader ran past its stack and died of a segmentation fault, without a word",
                now="one line with the place; the recipe's fault",
                layer="input",
            ),
        ),
        pytest.param(
            f"{COMPOSE}x-0: &0 [lol]\n{BOMB}",
            r"compose.yml:\d+: more than 100000 values, aliases filled in",
            marks=pytest.mark.attack(
                what="aliases of aliases stand for billions of values",
                before="refused only once 100,000 of them had been built",
                now="counted before anything is built",
                layer="input",
            ),
        ),
        pytest.param(
            f"{COMPOSE}x-a: &a {'x' * 60_000}\nx-b: [{'*a, ' * 50_000}*a]\n",
            r"compose.yml:8: more than 2097152 characters, aliases filled in",
            marks=pytest.mark.attack(
                what="one long text is named by 50,000 aliases",
                before="half a minute at full load, then it was accepted",
                now="one line with the place; the recipe's fault",
                layer="input",
            ),
        ),
        pytest.param(
            f"{COMPOSE}x-0: &0 {{a: 1}}\n{CHAIN}",
            r"compose.yml:\d+: nested too deeply",
            marks=pytest.mark.attack(
                what="400 mappings each merge the one before",
                before="hung for minutes",
                now="one line with the place; the recipe's fault",
                layer="input",
            ),
        ),
        pytest.param(
            f"{COMPOSE}x-a: &a\n  <<: *a\n",
            r"compose.yml:8: the alias \*a holds itself",
            marks=pytest.mark.attack(
                what="a mapping merges itself",
                before="went round until the stack was used up",
                now="one line with the place; the recipe's fault",
                layer="input",
            ),
        ),
        pytest.param(
            COMPOSE.replace("    deploy:\n", f"    deploy:\n      replicas: {'9' * 5000}\n"),
            r"compose.yml:5: services.app.deploy.replicas: must be a whole number",
            marks=pytest.mark.attack(
                what="a number of 5,000 digits",
                before="unexpected ValueError, exit 3, as if it were cc-ci's fault",
                now="text, as in docker's own parser; where a number is wanted, the recipe's fault",
                layer="input",
            ),
        ),
        pytest.param(
            COMPOSE.replace("    deploy:\n", "    deploy:\n      replicas: 1e300\n"),
            r"replicas: must be a number below 9223372036854775808, and is 1e\+300",
            marks=pytest.mark.attack(
                what="1e300 replicas",
                before="accepted",
                now="refused with file and line",
                layer="input",
            ),
        ),
        pytest.param(
            service(f"ports: ['{'9' * 5000}:80']"),
            r"services.app.ports.0: '9{77}\.\.\.' is no port",
            marks=pytest.mark.attack(
                what="a port of 5,000 digits",
                before="unexpected ValueError, exit 3",
                now="one line with the place; the recipe's fault",
                layer="input",
            ),
        ),
        pytest.param(
            service("ports:\n" + "\n".join(f"      - '{n}-65000:{n}-65000'" for n in range(1, 300))),
            r"services.app.ports.0: with it there are more than 10000",
            marks=pytest.mark.attack(
                what="ranges of ports that come to millions of ports",
                before="built one by one until memory was full",
                now="refused at 10,000 entries",
                layer="input",
            ),
        ),
        pytest.param(
            service(f"stop_grace_period: {'9' * 60_000}s"),
            r"stop_grace_period: must be a duration with its unit, such as 30s, and is '9{77}\.\.\.'",
            marks=pytest.mark.attack(
                what="a duration of 60,000 digits",
                before="half a minute of arithmetic, and a message as long",
                now="refused at once; the value is cut where it is shown",
                layer="input",
            ),
        ),
        pytest.param(
            label(f"coop-cloud.${{STACK_NAME}}.timeout={'9' * 400}"),
            r"timeout: '9{77}\.\.\.' is not a number of seconds from 1 to 86400",
            marks=pytest.mark.attack(
                what="a timeout label of 400 digits, which is infinity to a computer",
                before="waits without an end, or an OverflowError in the middle of a run",
                now="refused with file and line; a day is the most",
                layer="input",
            ),
        ),
        pytest.param(
            service('environment: {A: "a\\0b"}'),
            r"services.app.environment.A: holds a zero byte",
            marks=pytest.mark.attack(
                what="a zero byte in a value",
                before="accepted, and an unexpected ValueError once a program was called with it",
                now="refused with file and line",
                layer="input",
            ),
        ),
        pytest.param(
            COMPOSE.replace("nginx:1.22.1", '"--help"'),
            r"compose.yml:3: services.app.image: '--help' is no reference to an image",
            marks=pytest.mark.attack(
                what="an image that is an option of the docker client",
                before="went into the argument lists of programs",
                now="refused with file and line",
                layer="input",
            ),
        ),
        pytest.param(
            COMPOSE.replace("nginx:1.22.1", '"nginx \\e[2J"'),
            r"services.app.image: holds the control character U\+001B",
            marks=pytest.mark.attack(
                what="an image's name that clears the terminal",
                before="printed as it is by inspect and --dry-run",
                now="refused, and shown with its characters escaped",
                layer="input",
            ),
        ),
        pytest.param(
            service('"evil\\e[2J\\nkey": 1'),
            r"services.app: holds the control character U\+001B",
            marks=pytest.mark.attack(
                what="an unknown key that clears the terminal and begins a line of its own",
                before="the message steered the terminal",
                now="one line, with its characters escaped",
                layer="input",
            ),
        ),
        pytest.param(
            service('environment: {A: "' + "${B}" * 16_000 + '"}'),
            r"services.app.environment.A: is longer than 65536 characters once it is filled in",
            marks=pytest.mark.attack(
                what="a value that uses a long variable 16,000 times",
                before="unexpected MemoryError, exit 3",
                now="refused as soon as it is too long, with file and line",
                layer="input",
            ),
        ),
        pytest.param(
            service("environment: {" + ", ".join(f'A{n}: "$B"' for n in range(1200)) + "}"),
            r"services.app.environment.A\d+: with it the filled in values are longer than 2097152 characters",
            marks=pytest.mark.attack(
                what="2,000 values that each use a long variable",
                before="120 MB of text, copied with every step",
                now="refused as soon as they are too long together",
                layer="input",
            ),
        ),
    ],
)
def test_a_compose_file_is_bounded(compose: str, said: str, tmp_path: Path) -> None:
    refused(write(tmp_path / "evil", compose=compose, env=f"{ENV}B={'x' * 60_000}\n"), said)


@pytest.mark.parametrize(
    ("env", "script", "said"),
    [
        pytest.param(
            ENV + "A=xx\n" + 'A="$A$A"\n' * 40,
            "",
            r".env.sample:18: A: its value is longer than 65536 characters",
            marks=pytest.mark.attack(
                what="40 lines of .env.sample that each double a value",
                before="filled all memory, then an unexpected MemoryError, exit 3",
                now="refused at the line where it gets too long",
                layer="input",
            ),
        ),
        pytest.param(
            f"{ENV}A={'x' * 60_000}\n" + "".join(f"B{n}=$A\n" for n in range(50)),
            "",
            r".env.sample:20: B16: with it all values are longer than 1048576 characters",
            marks=pytest.mark.attack(
                what="many long variables, more than a program's environment takes",
                before="argument list too long, told as a fault of the host",
                now="refused at the line where they get too long together",
                layer="input",
            ),
        ),
        pytest.param(
            ENV + 'A="' + "x\n" * 250_000,
            "",
            r".env.sample:3: A: its quote is not closed",
            marks=pytest.mark.attack(
                what="a quote that is closed nowhere in 250,000 lines",
                before="read again from its beginning at each line: hung for minutes",
                now="each line is read once",
                layer="input",
            ),
        ),
        pytest.param(
            ENV + 'A="' + "${a:-" * 12_000 + '"\n',
            "",
            None,
            marks=pytest.mark.attack(
                what="thousands of braces of variables that are not closed",
                before="each was read to the end of the value",
                now="a default has 256 characters at the most",
                layer="input",
            ),
        ),
        pytest.param(
            ENV + "A=a\0b\n",
            "",
            r".env.sample:3: holds a zero byte; it is no text",
            marks=pytest.mark.attack(
                what="a zero byte in .env.sample",
                before="accepted, and an unexpected ValueError once a program was started with it",
                now="refused with file and line",
                layer="input",
            ),
        ),
        pytest.param(
            ENV,
            "export A=xx\n" + 'export A="$A$A"\n' * 40,
            r"abra.sh:16: A: its value is longer than 65536 characters",
            marks=pytest.mark.attack(
                what="exports of abra.sh that double a value",
                before="filled all memory",
                now="refused at the line where it gets too long",
                layer="input",
            ),
        ),
        pytest.param(
            ENV,
            "\n" * 500_000,
            None,
            marks=pytest.mark.attack(
                what="half a million empty lines in abra.sh",
                before="a pattern read on to the end from each of them: hung for hours",
                now="read once, in a second",
                layer="input",
            ),
        ),
        pytest.param(
            ENV,
            "export " + "a" * 500_000,
            None,
            marks=pytest.mark.attack(
                what="one word of 500,000 letters in abra.sh",
                before="a pattern began anew at each letter: hung for minutes",
                now="read once",
                layer="input",
            ),
        ),
        pytest.param(
            "TYPE=../../etc\n",
            "",
            r".env.sample:1: TYPE: '../../etc' is no recipe's name",
            marks=pytest.mark.attack(
                what="a recipe's name that is a path",
                before="refused, too; kept as a test",
                now="refused with file and line",
                layer="input",
            ),
        ),
        pytest.param(
            f"TYPE={'a' * 5000}\n",
            "",
            r".env.sample:1: TYPE: 'a{77}\.\.\.' is no recipe's name",
            marks=pytest.mark.attack(
                what="a recipe's name of 5,000 letters",
                before="accepted, and file name too long in the middle of a run",
                now="refused with file and line; 64 are the most",
                layer="input",
            ),
        ),
        pytest.param(
            f'{ENV}COMPOSE_FILE="{":".join(f"c{n}" for n in range(5000))}"\n',
            "",
            r".env.sample:3: COMPOSE_FILE: names 5000 files; more than 100",
            marks=pytest.mark.attack(
                what="COMPOSE_FILE names thousands of files",
                before="each was looked for, and all were given to a program",
                now="refused with file and line",
                layer="input",
            ),
        ),
        pytest.param(
            f'{ENV}COMPOSE_FILE="{"d" * 300}/compose.yml"\n',
            "",
            r"'d{77}\.\.\.': no file can have so long a name",
            marks=pytest.mark.attack(
                what="COMPOSE_FILE names a file that can't exist",
                before="unexpected OSError: file name too long, exit 3",
                now="one line; the recipe's fault",
                layer="input",
            ),
        ),
        pytest.param(
            f'{ENV}COMPOSE_FILE="a\x1b[2Jb.yml"\n',
            "",
            r"'a\\x1b\[2Jb.yml': has characters that can't be shown",
            marks=pytest.mark.attack(
                what="COMPOSE_FILE names a file that clears the terminal",
                before="the message steered the terminal",
                now="refused, with its characters escaped",
                layer="input",
            ),
        ),
    ],
)
def test_variables_are_bounded(env: str, script: str, said: str | None, tmp_path: Path) -> None:
    root = write(tmp_path / "evil", env=env, script=script)
    if said is None:
        understood(root)
    else:
        refused(root, said)


def deep(root: Path) -> None:
    here = Path.cwd()
    os.chdir(root)
    for _level in range(1200):
        Path("d").mkdir()
        os.chdir("d")
    os.chdir(here)


def many(root: Path) -> None:
    for number in range(1001):
        (root / f"{number}").touch()


def odd(root: Path) -> None:
    Path(os.fsdecode(os.fsencode(root) + b"/compose.\xff\x1b[2J.yml")).touch()


def alternatives(root: Path) -> None:
    for number in range(200):
        (root / f"compose.{number}.yml").touch()


def replaced(name: str, by: Callable[[Path], object]) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        (root / name).unlink(missing_ok=True)
        by(root / name)

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(
            replaced(".env.sample", os.mkfifo),
            r".env.sample:1: can't be read: not a plain file",
            marks=pytest.mark.attack(
                what="a file of the recipe is a named pipe",
                before="hung for ever",
                now="opened without waiting, and refused",
                layer="input",
            ),
        ),
        pytest.param(
            replaced("README.md", os.mkfifo),
            r"README.md:1: can't be read: not a plain file",
            marks=pytest.mark.attack(
                what="the README is a named pipe",
                before="lint hung for ever",
                now="opened without waiting, and refused",
                layer="input",
            ),
        ),
        pytest.param(
            lambda root: (root / "README.md").write_text("<!-- metadata -->" * 20_000),
            None,
            marks=pytest.mark.attack(
                what="a README that begins its metadata 20,000 times and never ends them",
                before="lint read it to its end from each of them: hung for minutes",
                now="read once",
                layer="input",
            ),
        ),
        pytest.param(
            replaced("abra.sh", lambda path: path.symlink_to("/dev/zero")),
            r"abra.sh: outside of the recipe",
            marks=pytest.mark.attack(
                what="a file of the recipe is a link to a device without an end",
                before="refused, too; kept as a test",
                now="refused: no link leads out of a recipe",
                layer="input",
            ),
        ),
        pytest.param(
            replaced("abra.sh", lambda path: path.symlink_to("abra.sh")),
            r"abra.sh: a link that leads to itself",
            marks=pytest.mark.attack(
                what="a file of the recipe is a link to itself",
                before="unexpected RuntimeError, exit 3",
                now="one line; the recipe's fault",
                layer="input",
            ),
        ),
        pytest.param(
            replaced(".env.sample", lambda path: path.mkdir()),
            r".env.sample:1: can't be read: not a plain file",
            marks=pytest.mark.attack(
                what="a file of the recipe is a folder",
                before="refused with the machine's path in the message",
                now="one line; the recipe's fault",
                layer="input",
            ),
        ),
        pytest.param(
            lambda root: os.truncate(root / ".env.sample", 1 << 40),
            r".env.sample:1: can't be read: larger than 524288 bytes",
            marks=pytest.mark.attack(
                what="a file of the recipe is a terabyte large, and takes no room on the disk",
                before="unexpected MemoryError, exit 3, or the machine ran out of memory",
                now="no more than half a megabyte is read",
                layer="input",
            ),
        ),
        pytest.param(
            deep,
            None,
            marks=pytest.mark.attack(
                what="folders nested 1,200 deep",
                before="unexpected RecursionError or OSError, exit 3",
                now="compose files are looked for three folders down, and no further",
                layer="input",
            ),
        ),
        pytest.param(
            many,
            r"evil: more than 1000 files and folders",
            marks=pytest.mark.attack(
                what="more files than anybody can read",
                before="all were listed, as long as that took",
                now="refused at 20,000",
                layer="input",
            ),
        ),
        pytest.param(
            alternatives,
            r"evil: has 201 compose files; more than 100",
            marks=pytest.mark.attack(
                what="hundreds of compose files beside the base",
                before="lint put each of them beside the base, for hours where there were thousands",
                now="refused at 100",
                layer="input",
            ),
        ),
        pytest.param(
            odd,
            r"'compose\.\\udcff\\x1b\[2J\.yml': has characters that can't be shown",
            marks=pytest.mark.attack(
                what="a compose file whose name is no text and clears the terminal",
                before="unexpected UnicodeEncodeError, exit 3",
                now="refused, with its characters escaped",
                layer="input",
            ),
        ),
    ],
)
def test_files_are_bounded(
    change: Callable[[Path], None], said: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # to make more takes longer than to read them
    monkeypatch.setattr(recipes, "MOST_FILES", 1000)
    root = write(tmp_path / "evil")
    change(root)
    try:
        if said is None:
            understood(root)
        else:
            refused(root, said)
    finally:
        # pytest itself could not
        remove_tree(root)


def test_large_recipes_of_real_people_are_read(tmp_path: Path) -> None:
    """The bounds are far from anything that is in use."""
    services = "".join(f"  s{n}:\n    image: nginx:1\n    ports: ['{n}:80']\n" for n in range(1, 100))
    anchors = "x-env: &env {A: 1, B: 2}\nx-deep: {a: {b: {c: {d: {e: {f: [{g: 1}]}}}}}}\n"
    merged = "  merged:\n    image: nginx:1\n    environment:\n      <<: *env\n      C: 3\n"
    root = write(tmp_path / "large", compose=f"{anchors}{COMPOSE}{services}{merged}", env="A=${B:-b}\n" * 500)
    (root / "docs").mkdir()
    for number in range(1000):
        (root / "docs" / f"{number}.md").touch()
    found = read_recipe(root)
    stack = read_stack(configure(found, domain="x.ci.test"))
    assert len(stack.services) == 101
    assert stack.services["merged"].environment == {"A": "1", "B": "2", "C": "3"}


def test_merged_keys_keep_their_lines_and_the_first_wins() -> None:
    text = "a: &a {x: 1, y: 2}\nb: &b\n  y: 3\n  z: 4\nc:\n  <<: [*a, *b]\n  x: 0\n"
    document = read_document(text, name="f")
    assert document.tree["c"] == {"x": 0, "y": 2, "z": 4}
    assert [document.source(("c", name)).line for name in "xyz"] == [7, 1, 4]


def test_a_long_number_is_text_as_in_dockers_parser() -> None:
    assert read_document(f"a: {'9' * 5000}\n", name="f").tree == {"a": "9" * 5000}
    assert read_document(f"a: {2**64 - 1}\nb: 0xff\n", name="f").tree == {"a": 2**64 - 1, "b": 255}


@pytest.mark.parametrize(
    ("text", "version"),
    [
        (f"{'9' * 5000}.0.0", False),
        (f"1.0.0+{'9' * 300}", False),
        ("1.0.0+1\u202e", False),
        ("1.0.0+1.2-é", True),
    ],
)
def test_a_version_is_short_and_can_be_shown(text: str, *, version: bool) -> None:
    assert (parse_version(text) is not None) is version


def test_versions_with_long_numbers_are_compared() -> None:
    one, two = parse_version(f"1.0.0+{'9' * 200}"), parse_version(f"1.0.0+1{'0' * 200}")
    assert one
    assert two
    assert one < two


@pytest.mark.parametrize(
    "reference",
    ["nginx", "nginx:1.22", "ghcr.io/a/b-c__d.e:v1", "localhost:5000/x@sha256:" + "a" * 64, "Host.org/x:T_1"],
)
def test_images_of_all_forms_are_taken(reference: str) -> None:
    assert is_image(reference)


@pytest.mark.parametrize(
    "reference",
    ["", "nginx:", "Nginx:1", "-x", "a//b", "a b", "nginx\n", "a" * 256, "x:" + "1" * 129, "a_-_b"],
)
def test_what_docker_refuses_is_no_image(reference: str) -> None:
    assert not is_image(reference)


def test_values_go_over_lines_as_before() -> None:
    text = 'A="one\ntwo \\" still\n" # note\nB=\'x\ny\'\nC=3\n'
    assert evaluate(read_assignments(text), {}) == {"A": 'one\ntwo " still\n', "B": "x\ny", "C": "3"}


def test_a_folder_that_can_name_no_recipe_needs_a_type(tmp_path: Path) -> None:
    root = write(tmp_path / "my recipe", env="A=1\n")
    with pytest.raises(RecipeError, match=r"'my recipe': a folder of this name .* set TYPE in \.env\.sample"):
        read_recipe(root)
    write(root, env="TYPE=mine\n")
    assert app_env(read_recipe(root), domain="x.test", overrides={})["TYPE"] == "mine"


def test_what_nobody_foresaw_names_the_recipe_or_its_file() -> None:
    with (
        pytest.raises(RecipeError, match=r"recipe evil can't be understood, .*\(RecursionError: too deep\)"),
        understanding("recipe evil"),
    ):
        raise RecursionError("too deep")
    with (
        pytest.raises(RecipeError, match=r"abra.sh:1: this file can't be understood"),
        understanding("this file", source=Source(file="abra.sh", line=1)),
    ):
        raise MemoryError


@pytest.mark.attack(
    what="A recipe does what no check of cc-ci foresees, so that its reader raises any exception.",
    before="The run ended with an unexpected error and exit 3, as if cc-ci or the host were to blame.",
    now="One line names the recipe and asks for a report; the exit code is 1.",
    layer="input",
)
@pytest.mark.parametrize("call", ["inspect", "lint"])
def test_the_command_never_ends_in_an_unexpected_error(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_text: str) -> None:
        raise RecursionError("maximum recursion depth exceeded")

    monkeypatch.setattr(recipes, "read_script", broken)
    ended = CliRunner().invoke(command, [call, str(write(tmp_path / "evil"))])
    assert isinstance(ended.exception, RecipeError)
    assert ended.exception.exit_code == 1
    assert str(ended.exception).startswith("abra.sh:1: this file can't be understood")
