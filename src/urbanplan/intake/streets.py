"""A planner's own streets: centre lines, an osmnx graph or an extract."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from urbanplan import manifest
from urbanplan.city import City
from urbanplan.errors import InputError
from urbanplan.files import has, read_delivery, sha256
from urbanplan.intake.fetch import STREETS, area_of, around
from urbanplan.intake.fields import Worth
from urbanplan.sources import OSM_ENDINGS, Streets, read_streets
from urbanplan.sources.crs_of_file import require_near, settle
from urbanplan.sources.lines import from_lines
from urbanplan.sources.osm import write_osm
from urbanplan.sources.streets import clipped


def bring_streets(
    city: City,
    path: Path | str,
    worth: Worth,
    *,
    crs: str | None,
    layer: str | None,
    encoding: str | None,
    large: bool,
    replace: bool,
    day: str,
    given: Mapping[str, str] | None = None,
    seven: tuple[float, ...] | None = None,
) -> tuple[Path, list[str]]:
    """Make a file the streets of a city, as far as 2 km around it.

    Parameters
    ----------
    city : City
    path : path
        ``.osm.pbf``, osmnx's ``.graphml``, or any layer of lines with ``highway`` or ``class``.
    worth : Worth
    crs, layer, encoding, large
        As for any import; only for layers of lines.
    replace : bool
        Whether streets that are there already may go.
    day : str
        Today, for the manifest.
    given : mapping of str to str, optional
        What columns and values mean; see `urbanplan.sources.lines.from_lines`.
    seven : tuple of 7 floats, optional
        As for any import.

    Returns
    -------
    path : Path
    notes : list of str

    Raises
    ------
    InputError
        If it holds no street of the city, or there are streets already.
    """
    target = city.layers_folder / STREETS
    if has(target) and not replace:
        raise InputError("is there already", where=target, remedy="say --replace to take these")
    notes: list[str] = []
    if str(path).lower().endswith((*OSM_ENDINGS, ".graphml")):
        streets = read_streets(path, given)
    else:
        streets = _of_lines(
            city, path, crs, seven, notes, given, layer=layer, encoding=encoding, large=large
        )
    notes += streets.findings
    near = clipped(streets, around(city))
    if not near.ways:
        raise InputError(
            "holds no street of the city", where=path, remedy="give one that covers the city"
        )
    origin = f"{Path(path).name}-{sha256(path)[:8]}"
    row = {
        "title": Path(path).name,
        "sha256": sha256(path),
        "source": worth.source,
        "licence": worth.licence,
        "as_of": worth.as_of,
        "imported": day,
    }
    said = {"ways": near.ways, "built_from": [origin]}
    # What was not understood goes where every run tells it; what was merely renamed does not.
    gaps = [
        manifest.DataGap("note", why=f"读入路网时有未识别的列或值（见英文） / {finding}")
        for finding in streets.findings
        if not finding.startswith("columns read as tags")
    ]
    said = manifest.with_gaps(said, gaps)
    with manifest.replacing(city.layers_folder, STREETS, said, {origin: row}) as new:
        write_osm(new, near)
    return target, [
        *notes,
        f"{near.ways:,} ways, {streets.ways - near.ways:,} farther away dropped",
    ]


def _of_lines(
    city: City, path: Path | str, crs: str | None, seven, notes: list[str], given, **how
) -> Streets:
    delivery, area = read_delivery(path, crs=crs, family="line", **how), area_of(city)
    middle = area.representative_point()
    settled = settle(
        delivery.frame,
        delivery.crs_from,
        delivery.system,
        (middle.x, middle.y),
        delivery.path,
        seven,
    )
    require_near(settled.frame, area, settled.system, delivery.path)
    notes += [*delivery.notes, *settled.notes()]
    return from_lines(settled.frame, where=delivery.path, given=given)
