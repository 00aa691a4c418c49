"""Completion in the shell: commands and options, and the names that a city knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click
from click.shell_completion import CompletionItem, get_completion_class

#: What a shell sets when it asks what could come next; click derives it from the program's name.
VARIABLE = "_URBANPLAN_COMPLETE"
#: Where each shell looks for it; said with the script.
_PLACES = {
    "bash": 'in ~/.bashrc:  eval "$(urbanplan completion bash)"',
    "zsh": 'in ~/.zshrc, after compinit:  eval "$(urbanplan completion zsh)"',
    "fish": "once:  urbanplan completion fish > ~/.config/fish/completions/urbanplan.fish",
}


@click.command()
@click.argument("shell", type=click.Choice(list(_PLACES)))
@click.pass_context
def completion(context: click.Context, shell: str) -> int:
    """Print the script that lets a shell complete commands, options and names.

    For bash, put this line into ~/.bashrc: eval "$(urbanplan completion bash)"
    """
    kind = get_completion_class(shell)
    assert kind is not None  # the choices are click's own
    # The script alone needs no bash of the right version here: it may be meant for another machine.
    made = kind(context.find_root().command, {}, "urbanplan", VARIABLE)
    click.echo(f"# {_PLACES[shell]}")
    click.echo(made.source_template % made.source_vars())
    return 0


#: Gives what could stand in place of a word that has been begun.
Completer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def offering(names: Callable[[click.Context], Iterable[tuple[str, str]]]) -> Completer:
    """A completer for an argument or option, from names with what each means.

    What goes wrong while names are looked up offers nothing: a shell is no place for errors.
    """

    def complete(context: click.Context, _: click.Parameter, begun: str) -> list[CompletionItem]:
        try:
            known = list(names(context))
        except Exception:
            return []
        return [CompletionItem(n, help=said) for n, said in known if n.startswith(begun)]

    return complete


def _cities(_context: click.Context) -> Iterable[tuple[str, str]]:
    from urbanplan.city import embedded_cities

    return ((name, "embedded") for name in embedded_cities())


def cities(context: click.Context, option: click.Parameter, begun: str) -> list[CompletionItem]:
    """Embedded cities; folders, where none is called so."""
    return offering(_cities)(context, option, begun) or [CompletionItem(begun, type="dir")]


def _modes(_context: click.Context) -> Iterable[tuple[str, str]]:
    from urbanplan.catalog import read_modes

    return ((mode.id, mode.name_en) for mode in read_modes().values())


def _layers(_context: click.Context) -> Iterable[tuple[str, str]]:
    from urbanplan.catalog import load_catalog

    return ((kind.id, kind.name_en) for kind in load_catalog().layers.values())


def _facilities(_context: click.Context) -> Iterable[tuple[str, str]]:
    from urbanplan.catalog import load_catalog

    layers = load_catalog().layers.values()
    return ((kind.id, kind.name_en) for kind in layers if kind.role == "facility")


def _standards(_context: click.Context) -> Iterable[tuple[str, str]]:
    from urbanplan.catalog.standards import read_standards

    known = read_standards().values()
    return [
        *dict.fromkeys((one.standard, one.document) for one in known),
        *((one.id, one.name_en) for one in known),
    ]


def _scenarios(context: click.Context) -> Iterable[tuple[str, str]]:
    from urbanplan.city import load_city
    from urbanplan.cli.options import DEFAULT_CITY
    from urbanplan.study.variants import scenarios_of

    city = load_city(context.params.get("city") or DEFAULT_CITY)
    return ((one.id, one.name_en) for one in scenarios_of(city).values())


#: For ``shell_complete=``; with `cities`.
MODES, LAYERS, FACILITIES, STANDARDS, SCENARIOS = map(
    offering, (_modes, _layers, _facilities, _standards, _scenarios)
)
