"""The command line: parse, call, print. Heavy modules are imported by the command that needs them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from urbanplan import __version__
from urbanplan.cli import analyse, chinese, city, options, plan, publish, scenarios, siting
from urbanplan.cli.options import BAD_INPUT, CHECK_FAILED, OK
from urbanplan.cli.show import Screen
from urbanplan.errors import UrbanplanError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="urbanplan")
@click.option("-q", "--quiet", is_flag=True, help="No progress, only results.")
@click.pass_context
def cli(context: click.Context, quiet: bool) -> None:
    """Who reaches what, in how many minutes, on whose data.

    CITY is the id of an embedded city or a folder with a city.toml; the default is luzhou.
    """
    context.obj = Screen(quiet)


for command in (
    city.init,
    city.fetch,
    city.import_,
    city.accept,
    city.run,
    city.layers,
    city.check,
    city.changes,
    publish.publish,
    publish.report,
    analyse.coverage,
    analyse.access,
    analyse.bridges,
    analyse.indicators,
    analyse.standards,
    plan.plan,
    scenarios.scenarios,
    scenarios.compare,
    siting.siting,
    analyse.isochrone,
    analyse.matrix,
    analyse.nearest,
    analyse.reach,
    analyse.network,
    options.completion,
):
    cli.add_command(command)


def _unforeseen(err: Exception) -> str:
    """The last resort for an error that nobody foresaw: where it happened, and where to tell of it."""
    import traceback

    frames = [f for f in traceback.extract_tb(err.__traceback__) if "urbanplan" in f.filename]
    at = f"{Path(frames[-1].filename).stem}:{frames[-1].lineno}" if frames else "?"
    return (
        f"stopped by an error that was not foreseen ({type(err).__name__} in {at});"
        f" please report it to those who keep urbanplan, with the command and, if you may, the file;"
        " URBANPLAN_DEBUG=1 shows where it comes from"
    )


def main(args: list[str] | None = None) -> None:
    """Entry point: run a command, turn errors into one sentence and an exit code."""
    lang = "en"
    try:
        lang = chinese.language()
        spoken = chinese.in_chinese(cli) if lang == "zh" else cli
        code = spoken.main(args, prog_name="urbanplan", standalone_mode=False)
    except UrbanplanError as err:
        click.echo(f"urbanplan: {chinese.sentence(err, lang)}", err=True)
        code = BAD_INPUT
    except click.ClickException as err:
        click.echo(f"urbanplan: {chinese.told(err.format_message(), lang)}", err=True)
        code = BAD_INPUT
    except MemoryError:
        said = "there is not enough memory for this → ask about a smaller area, or close other programs"
        click.echo(f"urbanplan: {chinese.told(said, lang)}", err=True)
        code = BAD_INPUT
    except (click.Abort, KeyboardInterrupt):
        click.echo(
            f"urbanplan: {chinese.told('stopped; what was finished before is on disk', lang)}",
            err=True,
        )
        code = 130
    # Whatever else a library raises is told in one sentence; a fuzz in the tests counts each as a fault.
    except Exception as err:
        if os.environ.get("URBANPLAN_DEBUG"):
            raise
        click.echo(f"urbanplan: {chinese.told(_unforeseen(err), lang)}", err=True)
        code = CHECK_FAILED
    sys.exit(code or OK)
