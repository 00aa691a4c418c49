"""Rules that a drawn layer must keep: each returns the features that break it, with the reason."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from inspect import signature
from keyword import iskeyword
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from urbanplan.base import crs
from urbanplan.base.schema import FIGURE, ID, NAME, NAMES, TABLE, TABLES, TEXT, Kind, require_fields
from urbanplan.city.layers import Layer, choose, load_layers, located, measure, validate
from urbanplan.city.profile import City
from urbanplan.errors import InputError
from urbanplan.files import read_csv, read_toml

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from shapely import LineString, Point
    from shapely.geometry.base import BaseGeometry

    from urbanplan.city.layers import Layer


Layers = Mapping[str, "Layer"]

#: Columns of ``facts.csv``: published figures, and what is measured of the layers to compare with each.
_FACTS = (
    "id",
    "name_zh",
    "layer",
    "where",
    "measure",
    "value",
    "unit",
    "tolerance_share",
    "source",
)
#: A coordinate rounded to 6 decimals may leave its polygon by this much, in degrees (about 0.3 m).
_ROUNDING_DEG = 3e-6


def inside(layers: Layers, layer: Layer, except_: set[str]) -> list[str]:
    """Every located feature lies in the study area, but for those published as outside."""
    if "study_area" not in layers:
        return ["the city has no study_area layer"]
    area = layers["study_area"].frame.geometry.union_all().buffer(_ROUNDING_DEG)
    frame = layer.located
    outside = frame.loc[~frame.geometry.within(area), "id"]
    return [f"{i} leaves the study area" for i in outside if f"{layer.id}:{i}" not in except_]


def in_district(layers: Layers, layer: Layer) -> list[str]:
    """A located feature touches each district that it names."""
    if "districts" not in layers:
        return []
    shapes = dict(zip(layers["districts"].frame["name_zh"], layers["districts"].frame.geometry))
    broken = []
    for fid, named, geometry in layer.located[["id", "district", "geometry"]].values:
        for name in filter(None, (named or "").split(";")):
            if name not in shapes:
                broken.append(f"{fid} names the unknown district {name}")
            elif not shapes[name].intersects(geometry):
                broken.append(f"{fid} is not in {name}")
    return broken


def crosses_once(layers: Layers, layer: str, *, water: str) -> list[str]:
    """Each crossing passes over its own river in one piece, from land to land, and over no other."""
    from shapely import Point, line_merge

    rivers = layers[water].frame.dissolve("river").geometry
    broken = []
    for fid, river, line in located(layers[layer].frame)[["id", "river", "geometry"]].values:
        if river not in rivers.index:
            broken.append(f"{fid} names the unknown river {river}")
        for name, shape in rivers.items():
            wet = line_merge(line.intersection(shape))
            pieces = 0 if wet.is_empty else len(getattr(wet, "geoms", [wet]))
            if pieces != (name == river):
                broken.append(f"{fid} crosses {name} {pieces} times")
        ends = (Point(line.coords[0]), Point(line.coords[-1]))
        if any(end.intersects(shape) for end in ends for shape in rivers):
            broken.append(f"{fid} ends in the water")
    return broken


def order(layers: Layers, layer: str, *, along: str, column: str, where: str = "") -> list[str]:
    """Numbers rise against the current: 1 is the crossing farthest downstream.

    The river line runs downstream, so a higher number must be met earlier on it.
    """
    frame = located(choose(layers, layer, where)).dropna(subset=[column])
    if not len(frame):
        return [f"no feature of {layer} meets {where}"]
    met = []
    for fid, river, number, line in frame[["id", "river", column, "geometry"]].values:
        axis = _line(layers, along, f"river={river}")
        crossing = line.intersection(axis)
        if crossing.is_empty:
            return [f"{fid} does not cross the line of {river}"]
        met.append((axis.project(crossing.representative_point()), number, fid))
    met.sort(reverse=True)
    return [
        f"{b[2]} ({b[1]:g}) lies above {a[2]} ({a[1]:g})"
        for a, b in zip(met, met[1:])
        if b[1] <= a[1]
    ]


def dry(layers: Layers, layer: str, *, water: str, where: str = "") -> list[str]:
    """No feature of the layer runs over water."""
    wet = layers[water].frame.geometry.union_all().buffer(-_ROUNDING_DEG)
    frame = located(choose(layers, layer, where))
    broken = [f"{i} runs over water" for i in frame.loc[frame.geometry.intersects(wet), "id"]]
    return _none(frame, layer, where) + broken


def joined(layers: Layers, layer: str, *, to: str, where: str = "") -> list[str]:
    """Both ends of each line coincide with a vertex of a line in another layer."""
    vertices = {xy for line in layers[to].located.geometry for xy in line.coords}
    frame = located(choose(layers, layer, where))
    return _none(frame, layer, where) + [
        f"{fid} does not meet {to} at {xy[0]:.5f},{xy[1]:.5f}"
        for fid, line in frame[["id", "geometry"]].values
        for xy in (line.coords[0], line.coords[-1])
        if xy not in vertices
    ]


def connected(layers: Layers, layer: str, *, where: str = "") -> list[str]:
    """All chosen lines form one network through shared vertices."""
    frame = located(choose(layers, layer, where))
    parent = list(range(len(frame)))

    def root(i: int) -> int:
        while parent[i] != i:
            i = parent[i]
        return i

    first: dict[tuple, int] = {}
    for i, line in enumerate(frame.geometry):
        for xy in line.coords:
            parent[root(i)] = root(first.setdefault(xy, i))
    roots = [root(i) for i in range(len(frame))]
    main = max(set(roots), key=roots.count) if roots else 0
    apart = [f"{i} is apart from the network" for i, r in zip(frame["id"], roots) if r != main]
    return _none(frame, layer, where) + apart


def bounded(
    layers: Layers, layer: str, *, where: str, side: str, by: str, by_where: str, within_m: float
) -> list[str]:
    """A polygon's N, E, S or W edge runs along a named feature: half of it is within `within_m`."""
    shape = _only(layers, layer, where)
    limit = located(choose(layers, by, by_where)).geometry.union_all()
    if limit.is_empty:
        return [f"no located feature of {by} meets {by_where}"]
    gaps = sorted(_gap_m(point, limit) for point in _facing(shape, side))
    if not gaps:
        return [f"{where} has no {side} edge"]
    middle = gaps[len(gaps) // 2]
    return [] if middle <= within_m else [f"{side} edge is {middle:.0f} m from {by_where}"]


def _facing(shape: BaseGeometry, side: str) -> list[Point]:
    # Points every 100 m or so on the part of the boundary that is seen from the centroid on that side.
    import shapely
    from shapely import Point

    c = shape.centroid
    seen = {
        "N": lambda dx, dy: dy > abs(dx),
        "S": lambda dx, dy: -dy > abs(dx),
        "E": lambda dx, dy: dx > abs(dy),
        "W": lambda dx, dy: -dx > abs(dy),
    }
    if side not in seen:
        raise InputError(f"side '{side}' is none of N, E, S, W", remedy="correct checks.toml")
    # Holes are not seen from outside; a park in two parts has an edge of either.
    rings = shapely.segmentize(shapely.get_exterior_ring(shapely.get_parts(shape)), 0.001)
    places = shapely.get_coordinates(rings).tolist()
    return [Point(xy) for xy in places if seen[side](xy[0] - c.x, xy[1] - c.y)]


def _gap_m(a: BaseGeometry, b: BaseGeometry) -> float:
    from shapely import LineString
    from shapely.ops import nearest_points

    return crs.length_m(LineString(nearest_points(a, b)))


def bank(
    layers: Layers, layer: str, *, where: str, along: str, by_where: str, side: str
) -> list[str]:
    """Features lie on the left or right bank of a river, facing downstream."""
    axis = _line(layers, along, by_where)
    frame = located(choose(layers, layer, where))
    broken = [] if len(frame) else [f"no located feature of {layer} meets {where}"]
    for fid, geometry in frame[["id", "geometry"]].values:
        at = geometry.representative_point()
        d = axis.project(at)
        here, ahead = axis.interpolate(d), axis.interpolate(d + 1e-4)
        back = axis.interpolate(max(d - 1e-4, 0))
        cross = (ahead.x - back.x) * (at.y - here.y) - (ahead.y - back.y) * (at.x - here.x)
        if ("left" if cross > 0 else "right") != side:
            broken.append(f"{fid} is not on the {side} bank")
    return broken


def between(
    layers: Layers, layer: str, *, where: str, along: str, by_where: str, from_: str, to: str
) -> list[str]:
    """A feature lies on a river's reach between two crossings, `from_` and `to`, by id."""
    axis = _line(layers, along, by_where)
    stops = [axis.project(_only(layers, "bridges", f"id={end}").centroid) for end in (from_, to)]
    frame = located(choose(layers, layer, where))
    broken = [] if len(frame) else [f"no located feature of {layer} meets {where}"]
    for fid, geometry in frame[["id", "geometry"]].values:
        at = axis.project(geometry.centroid)
        if not min(stops) <= at <= max(stops):
            broken.append(f"{fid} is not between {from_} and {to}")
    return broken


def disjoint(layers: Layers, layer: str, *, where: str = "") -> list[str]:
    """No two polygons overlap by more than 100 m²."""
    import shapely

    frame = located(choose(layers, layer, where))
    ids, shapes = frame["id"].to_numpy(), frame.geometry.values
    pairs = zip(*shapely.STRtree(shapes).query(shapes, predicate="intersects"))
    return _none(frame, layer, where) + [
        f"{ids[i]} overlaps {ids[j]}"
        for i, j in sorted(pairs)
        if i < j and crs.area_m2(shapes[i].intersection(shapes[j])) > 100
    ]


def _none(frame: gpd.GeoDataFrame, layer: str, where: str) -> list[str]:
    # A rule about certain features is not kept by there being none (a mistyped name, say).
    return [f"no located feature of {layer} meets {where}"] if where and frame.empty else []


def _line(layers: Layers, layer: str, where: str) -> LineString:
    return _only(layers, layer, where)


def _only(layers: Layers, layer: str, where: str) -> BaseGeometry:
    frame = located(choose(layers, layer, where))
    if len(frame) != 1:
        raise InputError(
            f"{len(frame)} features of {layer} meet '{where}', one is needed",
            remedy="correct checks.toml",
        )
    return frame.geometry.iloc[0]


#: Rules by the name that ``checks.toml`` uses.
RULES: Mapping[str, Callable[..., list[str]]] = MappingProxyType(
    {
        f.__name__: f
        for f in (crosses_once, order, dry, joined, connected, bounded, bank, between, disjoint)
    }
)


#: Independent positions that features are held to, in a city's folder, and the unit that marks their checks.
POSITIONS, POSITION_UNIT = "positions.csv", "m off"
#: Columns of the table of checks.
COLUMNS = (
    "id", "check", "layer", "measure", "published", "drawn", "unit", "difference", "tolerance",
    "verdict", "source",
)  # fmt: skip


def check_city(city: City, layers: Layers | None = None) -> pd.DataFrame:
    """Compare every layer with the published figures, with independent positions, and with its rules.

    Parameters
    ----------
    city : City
    layers : dict, optional
        Its layers, when they are already loaded.

    Returns
    -------
    DataFrame
        One row per check: `published` and `drawn` in `unit`, `difference` and `tolerance` as
        shares of the published value, `verdict` ``ok`` or ``fail``. For positions `drawn` is how many
        metres off a feature is drawn and `tolerance` its accuracy; of measure ``position`` they are
        independent of the drawing, of measure ``position:drawn`` the drawing rests on them. For rules
        `drawn` counts the features that break them and `source` names the first few.
    """
    import pandas as pd

    layers = load_layers(city) if layers is None else layers
    rows = [*_figures(city, layers), *_positions(city, layers), *_rules(city, layers)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def told(checks: pd.DataFrame) -> str:
    """How many checks there are, of which kinds, and how many fail.

    Parameters
    ----------
    checks : DataFrame
        From `check_city`. A measure ``value:`` of the table is a figure that is carried as a number, since nothing
        drawn shows it; unit ``findings`` marks a rule.
    """
    placed = checks[checks["unit"] == POSITION_UNIT]
    published = int((checks["unit"] != "findings").sum()) - len(placed)
    carried = int(checks["measure"].str.startswith("value:").sum())
    failed = int((checks["verdict"] == "fail").sum())
    measured = published - carried
    if placed.empty:
        return (
            f"{len(checks)} checks, {published} against published figures ({measured} measured on"
            f" what is drawn or counted, {carried} carried as numbers), {failed} failed"
        )
    apart = int((placed["measure"] == "position").sum())
    return (
        f"{len(checks)} checks, {published} against published figures ({measured} measured on"
        f" what is drawn or counted, {carried} carried as numbers), {len(placed)} against positions"
        f" ({apart} that nothing was drawn from), {failed} failed"
    )


def positions_of(checks: pd.DataFrame) -> pd.DataFrame:
    """Positions against independent sources: how far off each feature is drawn, farthest first.

    Parameters
    ----------
    checks : DataFrame
        From `check_city`.

    Returns
    -------
    DataFrame
        ``check, layer, off_m, accuracy_m, drawn_from, verdict, source``; `drawn_from` is true where the
        drawing itself rests on the position. Empty where the city has no such table.
    """
    rows = checks[checks["unit"] == POSITION_UNIT]
    table = rows.assign(
        off_m=rows["drawn"].round(),
        accuracy_m=rows["tolerance"],
        drawn_from=rows["measure"] != "position",
    )
    wanted = ["check", "layer", "off_m", "accuracy_m", "drawn_from", "verdict", "source"]
    # What has no place on the map comes first.
    return table.sort_values("off_m", ascending=False, na_position="first", kind="stable")[wanted]


def published_figures(city: City) -> Iterator[tuple[dict[str, str], float, float]]:
    """Rows of the city's ``facts.csv``, each with its figure and how far off the layers may be, as a share.

    Raises
    ------
    InputError
        If a column is missing, or one of the two is no number.
    """
    path = city.find("facts.csv")
    for row in read_csv(path, _FACTS):
        try:
            figure, tolerance = float(row["value"]), float(row["tolerance_share"])
            known = math.isfinite(figure) and 0 <= tolerance < math.inf
        except ValueError:
            known = False
        if not known:
            raise InputError(
                f"row '{row['id']}' has no numbers in value and tolerance_share ('{row['value']}', '{row['tolerance_share']}')",
                where=path,
                remedy="correct it",
            )
        yield row, figure, tolerance


def _figures(city: City, layers: Layers) -> Iterator[dict[str, Any]]:
    for row, published, tolerance in published_figures(city):
        try:
            drawn = measure(choose(layers, row["layer"], row["where"]), row["measure"])
        except (KeyError, ValueError, InputError) as err:
            raise InputError(
                f"row '{row['id']}' cannot be used ({err})",
                where=city.find("facts.csv"),
                remedy="correct it",
            ) from None
        difference = (drawn - published) / published if published else drawn - published
        yield {
            "id": row["id"],
            "check": row["name_zh"],
            "layer": row["layer"],
            "measure": row["measure"],
            "published": published,
            "drawn": drawn,
            "unit": row["unit"],
            "difference": difference,
            "tolerance": tolerance,
            # A tolerance of 0 means exact; the slack is one part in a billion of float noise.
            "verdict": "ok" if abs(difference) <= tolerance + 1e-9 else "fail",
            "source": row["source"],
        }


def _positions(city: City, layers: Layers) -> Iterator[dict[str, Any]]:
    import geopandas as gpd
    from shapely import Point

    path = city.find(POSITIONS) if city.has(POSITIONS) else None
    for row in read_csv(path) if path else ():
        try:
            at = Point(float(row["lon"]), float(row["lat"]))
            measure_ = {"no": "position", "yes": "position:drawn"}[row["drawn_from"]]
            frame = located(choose(layers, row["layer"], row["where"]))
        except (KeyError, ValueError, InputError) as err:
            raise InputError(
                f"row '{row.get('id', '?')}' cannot be used ({err})",
                where=path,
                remedy="correct it",
            ) from None
        place = gpd.GeoSeries([at], crs=crs.WGS84).to_crs(city.metric_crs).iloc[0]
        off = frame.geometry.to_crs(city.metric_crs).distance(place)
        # What has a known place and none on the map is as wrong as what is drawn elsewhere.
        nearest = off.idxmin() if len(off) else None
        drawn = math.nan if nearest is None else float(off[nearest])
        accuracy = math.nan if nearest is None else float(frame["accuracy_m"][nearest])
        yield {
            "id": f"position_{row['id']}",
            "check": row["name_zh"],
            "layer": row["layer"],
            "measure": measure_,
            "published": 0.0,
            "drawn": drawn,
            "unit": POSITION_UNIT,
            "difference": math.nan,
            "tolerance": accuracy,
            "verdict": "ok" if drawn <= accuracy else "fail",
            "source": row["source"],
        }


def _rules(city: City, layers: Layers) -> Iterator[dict[str, Any]]:
    path = city.find("checks.toml")
    table = read_toml(path)
    require_fields(table, "the file", path, {}, {"inside": TABLE, "rule": TABLES})
    table.setdefault("inside", {})
    require_fields(table["inside"], "[inside]", path, {}, {"except": NAMES})
    except_ = set(table["inside"].get("except", []))
    for layer in layers.values():
        yield _rule_row(f"{layer.id}_valid", layer.id, "schema and geometry", _validate(layer))
        if layer.kind.geometry != "none" and layer.id != "study_area":
            yield _rule_row(
                f"{layer.id}_inside", layer.id, "inside study area", inside(layers, layer, except_)
            )
            yield _rule_row(
                f"{layer.id}_district", layer.id, "in named district", in_district(layers, layer)
            )
    for rule in table.get("rule", []):
        yield _declared(path, layers, rule)


def _declared(path: Any, layers: Layers, rule: dict[str, Any]) -> dict[str, Any]:
    what, head = f"rule {rule.get('id')}", {"id": ID, "rule": NAME, "layer": NAME}
    options = {k: v for k, v in rule.items() if k not in head}
    require_fields({k: rule[k] for k in head if k in rule}, what, path, head)
    if rule["rule"] not in RULES:
        raise InputError(
            f"{what} is of no kind '{rule['rule']}'",
            where=path,
            remedy=f"rules are {', '.join(RULES)}",
        )
    function = RULES[rule["rule"]]
    require_fields(options, what, path, *_options(function))
    try:
        # "from" is a word of Python's own: the parameter is `from_`.
        given = {f"{k}_" if iskeyword(k) else k: v for k, v in options.items()}
        broken = function(layers, rule["layer"], **given)
    except (KeyError, InputError) as err:
        raise InputError(f"{what} cannot be used ({err})", where=path, remedy="correct it") from None  # fmt: skip
    return _rule_row(rule["id"], rule["layer"], rule["rule"], broken)


def _options(function: Callable) -> tuple[dict[str, Kind], dict[str, Kind]]:
    # What a rule needs and may have stands in its own signature.
    kinds = {"str": TEXT, "float": FIGURE}
    named = [p for p in signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY]
    every = {p.name.rstrip("_"): kinds[p.annotation] for p in named}
    needed = {p.name.rstrip("_") for p in named if p.default is p.empty}
    return {k: every[k] for k in every if k in needed}, {
        k: every[k] for k in every if k not in needed
    }


def _validate(layer: Layer) -> list[str]:
    return [f"{f.feature}: {f.message}" for f in validate(layer)]


def _rule_row(name: str, layer: str, rule: str, broken: list[str]) -> dict[str, Any]:
    return {
        "id": name,
        "check": name.replace("_", " "),
        "layer": layer,
        "measure": rule,
        "published": 0.0,
        "drawn": float(len(broken)),
        "unit": "findings",
        "difference": math.nan,
        "tolerance": 0.0,
        "verdict": "fail" if broken else "ok",
        "source": "; ".join(broken[:3]),
    }
