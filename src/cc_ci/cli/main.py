"""The command line: commands are imported when they are called, so that --help stays quick."""

import importlib
import sys
import traceback

import click

from cc_ci.errors import CcCiError, Interrupted

COMMANDS = {
    "run": "cc_ci.cli.run",
    "logs": "cc_ci.cli.logs",
    "recipe": "cc_ci.cli.recipe",
    "node": "cc_ci.cli.node",
    "images": "cc_ci.cli.images",
    "reap": "cc_ci.cli.reap",
    "doctor": "cc_ci.cli.doctor",
    "config": "cc_ci.cli.config",
}
"""Each module holds a click command of the same name as its file."""


class LazyCommands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        if name not in COMMANDS:
            return None
        module = importlib.import_module(COMMANDS[name])
        command: click.Command = getattr(module, name)
        return command


@click.command(cls=LazyCommands)
@click.option("--verbose", is_flag=True, help="Show the trace of an error, and every command that is run.")
@click.version_option(package_name="cc-ci")
@click.pass_context
def cc_ci(context: click.Context, *, verbose: bool) -> None:
    """Test Co-op Cloud recipes on a real Swarm node, and name every second of it."""
    context.obj = {"verbose": verbose}


def main() -> None:
    verbose = "--verbose" in sys.argv
    try:
        cc_ci.main(standalone_mode=False)
    except click.exceptions.Exit as exit_:
        sys.exit(exit_.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(Interrupted.exit_code)
    except CcCiError as error:
        if verbose:
            traceback.print_exc()
        click.echo(f"cc-ci: {error}", err=True)
        sys.exit(error.exit_code)
