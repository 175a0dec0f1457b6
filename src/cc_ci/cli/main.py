"""The command line: commands are imported when they are called, so that --help stays quick."""

import importlib
import os
import sys
import traceback
from typing import NamedTuple, NoReturn

import click

from cc_ci.cli.furnishing import furnished, steering_options
from cc_ci.errors import CcCiError, Interrupted, Stopped


class Command(NamedTuple):
    """Where a command is, and its line in --help, which must not import it."""

    module: str
    help: str


COMMANDS = {
    "run": Command(
        "cc_ci.cli.run", "Test a recipe: install, upgrade, backup, restore, functional, teardown."
    ),
    "logs": Command("cc_ci.cli.logs", "Read the evidence of a run."),
    "recipe": Command("cc_ci.cli.recipe", "Show how cc-ci understands a recipe, or lint it."),
    "suite": Command("cc_ci.cli.suite", "Make a first suite for a recipe, or check one."),
    "node": Command("cc_ci.cli.node", "Start, stop or show the private node."),
    "engine": Command("cc_ci.cli.engine", "Make engines of other Debian suites, for the private node."),
    "images": Command("cc_ci.cli.images", "Build stand-in images, or load real ones."),
    "enroll": Command("cc_ci.cli.enroll", "Pull a recipe's images ahead, and keep them; or list whose are."),
    "unenroll": Command("cc_ci.cli.unenroll", "Let a recipe's images go, once it is not run any more."),
    "provider": Command("cc_ci.cli.provider", "Keep a single sign-on provider that outlives runs."),
    "reap": Command("cc_ci.cli.reap", "Remove what dead runs left behind."),
    "baseline": Command("cc_ci.cli.baseline", "Measure how long runs take, cold and warm; takes hours."),
    "runs": Command("cc_ci.cli.runs", "List the runs, with date, recipe, verdict and seconds."),
    "show": Command("cc_ci.cli.show", "Show why a run is red, and what it waited for."),
    "report": Command("cc_ci.cli.report", "Draw a run or a set of runs as one HTML file."),
    "history": Command("cc_ci.cli.history", "Show how runs went over time, and which tests flake."),
    "compare": Command("cc_ci.cli.compare", "Show what changed between two runs, or two sets of them."),
    "limit": Command("cc_ci.cli.limit", "Measure the least time that a run could take, beside the run."),
    "attribute": Command("cc_ci.cli.attribute", "Show where the time of measured runs went."),
    "perf": Command("cc_ci.cli.perf", "Write documents about measurements."),
    "levers": Command("cc_ci.cli.levers", "List the switches of a run, and the profiles."),
    "guard": Command("cc_ci_guard.command", "Show that nothing was weakened: mutants, inventory, census."),
    "doctor": Command("cc_ci.cli.doctor", "Check this machine, and say how to fix what is missing."),
    "config": Command("cc_ci.cli.config", "Show the settings, and where each comes from."),
    "completion": Command("cc_ci.cli.completion", "Print the script for completion in your shell."),
}
"""Each module holds a click command of the same name as its file."""


class LazyCommands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        if name not in COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(COMMANDS[name].module), name)
        return furnished(command, (name,))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.help) for name, command in COMMANDS.items()])


@click.command(cls=LazyCommands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="cc-ci")
def cc_ci() -> None:
    """Test Co-op Cloud recipes on a real Swarm node, and name every second of it."""


cc_ci.params.extend(steering_options())
cc_ci.epilog = "`cc-ci COMMAND --help` has examples of each."
SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")
"""Where dockerd and its like are; a root shell made by a plain `su` has them not in its PATH."""


LONGEST_SAID = 10_000
NO_SUCH = ("UsageError", "NoSuchCommand")
"""Click's errors for a command that is not there."""


def main() -> None:
    os.environ["PATH"] = os.pathsep.join(dict.fromkeys([*os.get_exec_path(), *SYSTEM_FOLDERS]))
    verbose = bool({"--verbose", "-v"} & set(sys.argv))
    try:
        # not standalone, click hands the code of an Exit back as the result; a command itself returns None
        sys.exit(cc_ci.main(prog_name="cc-ci", standalone_mode=False))
    except click.ClickException as error:
        error.message = f"{error.message}{_meant(error)}"  # type: ignore[misc]
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(Interrupted.exit_code)
    except (CcCiError, Stopped) as error:
        _end(error, said=str(error), code=error.exit_code, verbose=verbose)
    except Exception as error:  # noqa: BLE001 - the last line of defence: never a traceback unasked
        said = f"unexpected {type(error).__name__}: {error}".splitlines()[0]
        _end(
            error,
            said=f"{said}; use `cc-ci --verbose` for the trace",
            code=CcCiError.exit_code,
            verbose=verbose,
        )


def _meant(error: click.ClickException) -> str:
    """Which command or choice was meant by one that is not known."""
    from cc_ci.system.suggesting import meant

    if getattr(error, "possibilities", None):
        return ""  # click says it
    context = getattr(error, "ctx", None)
    if isinstance(error, click.BadParameter) and error.param and isinstance(error.param.type, click.Choice):
        known = [str(one) for one in error.param.type.choices]
    elif type(error).__name__ in NO_SUCH and context and isinstance(context.command, click.Group):
        known = context.command.list_commands(context)
    else:
        return ""
    quoted = error.message.split("'")
    return meant(quoted[1], known) if len(quoted) > 1 else ""


def _end(error: BaseException, *, said: str, code: int, verbose: bool) -> NoReturn:
    if verbose:
        traceback.print_exception(error)
    from cc_ci.system.printable import one_line

    # names of files and the like are not ours
    click.echo(f"cc-ci: {one_line(said, most=LONGEST_SAID)}", err=True)
    sys.exit(code)
