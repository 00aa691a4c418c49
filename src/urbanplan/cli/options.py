"""Options that several commands share, what is completed, and what the shell is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem, get_completion_class

if TYPE_CHECKING:
    import geopandas as gpd

    from urbanplan import door
    from urbanplan.catalog import Mode
    from urbanplan.city.profile import City
    from urbanplan.cli.show import Screen


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
    from urbanplan.city.profile import embedded_cities

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
    from urbanplan.city.profile import load_city
    from urbanplan.study.variants import scenarios_of

    city = load_city(context.params.get("city") or DEFAULT_CITY)
    return ((one.id, one.name_en) for one in scenarios_of(city).values())


#: For ``shell_complete=``; with `cities`.
MODE_NAMES, LAYERS, FACILITIES, STANDARDS, SCENARIOS = map(
    offering, (_modes, _layers, _facilities, _standards, _scenarios)
)


#: Exit codes: all well, a check failed, bad input.
OK, CHECK_FAILED, BAD_INPUT = 0, 1, 2
#: The city that ships with the package.
DEFAULT_CITY = "luzhou"


def _minutes(_context: Any, _option: Any, value: str) -> tuple[float, ...]:
    try:
        # A Chinese keyboard has commas of its own.
        parts = value.replace("，", ",").replace("、", ",").split(",")
        minutes = tuple(sorted(set(map(float, parts))))
    except ValueError:
        raise click.BadParameter(f"'{value}' is not a list of minutes such as 5,15,30") from None
    if not all(0 < m < float("inf") for m in minutes):
        raise click.BadParameter("minutes must be above 0 and finite")
    return minutes


def _places(
    _context: Any, _option: Any, values: tuple[str, ...]
) -> tuple[tuple[float, float], ...]:
    found = []
    for value in values:
        try:
            lon, lat = (float(part) for part in value.split(","))
        except ValueError:
            raise click.BadParameter(f"'{value}' is not LON,LAT such as 105.44,28.87") from None
        if not (-180 <= lon <= 180 and -90 <= lat <= 90):
            raise click.BadParameter(f"'{value}' is not LON,LAT in degrees (longitude first)")
        found.append((lon, lat))
    return tuple(found)


def positive(_context: Any, _option: Any, value: float | None) -> float | None:
    """A figure of an option that must be above 0."""
    if value is not None and not 0 < value < float("inf"):
        raise click.BadParameter("must be above 0 and finite")
    return value


def file_option(name: str, text: str, **more: Any):
    """An option that takes a path; whether the file is there is said by whoever reads it."""
    return click.option(name, type=click.Path(path_type=Path), help=text, **more)


CITY = click.argument("city", default=DEFAULT_CITY, shell_complete=cities)
MIN_PERSONS = click.option(
    "--min-persons",
    default=0,
    type=click.IntRange(min=0),
    metavar="N",
    help="Round every count of people so that none tells of fewer than N.",
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print the table as JSON.")
MODE = click.option(
    "--mode",
    default="walk",
    show_default=True,
    help="walk, bike or drive.",
    shell_complete=MODE_NAMES,
)
MINUTES = click.option(
    "--minutes", default="5,10,15,30", show_default=True, callback=_minutes, help="Limits."
)
BASEMAP = click.option(
    "--basemap",
    metavar="NAME|URL",
    help="A base map the reader may switch on: tianditu, osm, or an XYZ template.",
)
KEY = click.option(
    "--key",
    envvar="URBANPLAN_TIANDITU_KEY",
    help="Your key for Tianditu; it will stand in the page.",
)
OPEN = click.option(
    "--open", "opened", multiple=True, metavar="ID", help="Treat a planned road or bridge as built."
)
AT = click.option("--at", multiple=True, metavar="LON,LAT", callback=_places, help="A place.")
STREETS = "Streets: .osm.pbf, osmnx .graphml, a layer of lines, or .npz from 'network'."
_MAP, _LAYERS = "urbanplan.street_map", "urbanplan.city"


def parse_map(_context: Any, _option: Any, pairs: tuple[str, ...]) -> dict[str, str]:
    """``name_zh=名称`` and ``highway:residential=LOCAL`` pairs as a mapping of ours to theirs."""
    from urbanplan.errors import InputError

    found = {}
    for pair in pairs:
        own, sign, theirs = (part.strip() for part in pair.partition("="))
        if not (sign and own and theirs):
            raise InputError(
                f"--map '{pair}' is no pair",
                remedy="write e.g. --map name_zh=名称, --map highway:residential=支路",
            )
        found[own] = theirs
    return found


MAP = click.option(
    "--map", multiple=True, metavar="OURS=THEIRS", expose_value=False,
    callback=lambda ctx, option, pairs: ctx.meta.update({_MAP: parse_map(ctx, option, pairs)}),
    help="Column of --streets or value in it, e.g. highway=ROADCLASS, highway:residential=LOCAL.",
)  # fmt: skip


LAYER = click.option(
    "--layer", multiple=True, metavar="NAME", callback=lambda ctx, _, names: ctx.meta.update({_LAYERS: names}),
    expose_value=False, help="Which layer, of each file that holds several.",
)  # fmt: skip


def _of_layer(read: Callable[[Any], Any], path: Any) -> Any:
    """What `read` gives for a file: for one of several layers, that of --layer which it has."""
    from urbanplan.errors import LayersError

    try:
        return read(path)
    except LayersError as err:
        named = click.get_current_context().meta.get(_LAYERS, ())
        meant = [name for name in err.layers if name in named]
        if len(meant) != 1:
            raise
        return read(f"{path}|layername={meant[0]}")


def read_places(screen: Screen, path: Path | str | None) -> Any:
    """The places of a file, None where none is given; what must be known of them is said."""
    from urbanplan.sources.read import read

    frame = None if path is None else _of_layer(read, path)
    for finding in () if frame is None else frame.attrs["findings"]:
        screen.note(finding)
    return frame


def model_of(
    screen: Screen, city: str | None, streets: Path | None, dem: Path | None, **others: Any
) -> door.City | door.Streets:
    """The city or the streets that a question is asked of; options of the one are refused with the other."""
    from urbanplan.door import City

    if streets is None:
        only_with_streets(dem=dem)
        return City(city or DEFAULT_CITY, note=screen.note)
    if city or any(others.values()):
        named = ", ".join(["CITY", *(f"--{n}" for n in others)])
        raise click.UsageError(f"--streets asks about a file: leave {named} out")
    return streets_of(screen, streets, dem)


def streets_of(screen: Screen, path: Path, dem: Path | None) -> door.Streets:
    """The streets of a file, as --map and --layer read it."""
    from urbanplan.door import Streets

    meta = click.get_current_context().meta

    def opened(file: Any) -> Streets:
        model = Streets(file, dem=dem, columns=meta.get(_MAP), note=screen.note)
        if meta.get(_LAYERS) and Path(file).suffix != ".npz":
            # Which layer is meant is known once the file is looked at.
            _ = model.ways
        return model

    return _of_layer(opened, path)


def named_mode(modes: Path | None, name: str) -> Mode:
    """A mode by its name, of the shipped ones or of a file."""
    from urbanplan.catalog import read_modes, require_mode

    return require_mode(read_modes(modes), name)


def places(screen: Screen, given: Path | str | None) -> Any:
    """What an option about places names: a file, read, or the name of a layer."""
    return read_places(screen, given) if given is None or Path(given).suffix else str(given)


def places_at(lonlat: tuple[tuple[float, float], ...]) -> gpd.GeoDataFrame:
    """Places of --at, called by their coordinates; each once."""
    from urbanplan.sources import read

    return read.places_at(lonlat)


def plain(frame: Any) -> Any:
    """A frame as it is written: rows by number; what was found is told already."""
    out = frame.reset_index(drop=True)
    out.attrs = {}
    return out


MODES = file_option("--modes", "TOML that changes or adds to the shipped modes.", metavar="F")
DEM = file_option("--dem", "GeoTIFF of heights: slopes then change the speed.", metavar="F")
SNAP = click.option(
    "--snap",
    type=float,
    callback=positive,
    metavar="M",
    help="Places farther from any way are left out and listed: 250 on streets, a CITY's own limit.",
)
CELL = click.option(
    "--cell", type=float, callback=positive, metavar="M", help="Spacing of the outline's grid."
)
DIRECTION = click.option(
    "--direction",
    type=click.Choice(["from", "to"]),
    default="from",
    show_default=True,
    help="Leaving the place, or getting to it.",
)
OUT = file_option("--out", "File to write.", required=True)


def only_with_streets(**given: Any) -> None:
    """Raise `click.UsageError` if an option is given that a city's own folder does not take."""
    for name, value in given.items():
        if value is not None:
            raise click.UsageError(f"--{name} needs --streets")
    if click.get_current_context().meta.get(_MAP):
        raise click.UsageError("--map needs --streets")


def refuse_over(out: Path | None, *inputs: Path | str | None) -> None:
    """Raise `InputError` if an output would take the place of a file that is read."""
    from urbanplan.errors import InputError
    from urbanplan.files import split_name

    if out is None:
        return
    for name in inputs:
        if name and split_name(name)[0].resolve() == Path(out).resolve():
            raise InputError(
                "is read and would be written over", where=out, remedy="choose another name"
            )


def own_maps(profile: City, below: str = "") -> Path:
    """Where what is made of a city goes unless --out says otherwise.

    Whoever works inside a folder that somebody sent has not chosen the links in it: none is followed.
    """
    from urbanplan.files import require_own

    folder = Path("maps") / profile.id / below
    if Path.cwd().is_relative_to(profile.folders[0].resolve()):
        for part in (folder.parent, folder):
            require_own(part, Path(), whole=True)
    return folder
