"""What the page shows, as plain values: layers with features, and the tables beside them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from urbanplan.base.crs import to_crs
from urbanplan.catalog import Mode, load_catalog
from urbanplan.city.layers import Layer
from urbanplan.city.profile import City
from urbanplan.errors import require
from urbanplan.measures.scenarios import BASELINE
from urbanplan.output.page import tables
from urbanplan.output.page.shell import Options
from urbanplan.output.page.tables import (
    area_keys,
    area_names,
    figure,
    gain,
    left_out,
    named,
    percent,
    plain,
    quotes,
    remarks,
    secrets,
    whole,
)
from urbanplan.output.rounding import rounded
from urbanplan.output.style import OPEN, change_words, conflict_rules, outside_color, ramp_of
from urbanplan.study import Results

if TYPE_CHECKING:
    import geopandas as gpd
    from shapely.geometry.base import BaseGeometry


#: Layers whose names are written on the map, and the zoom from which they are.
_LABELS = {"districts": 8, "water": 10, "bridges": 13, "parks": 13, "industrial_parks": 13, "townships": 12}  # fmt: skip
_FACILITY_LABEL_ZOOM = 13
#: More vertices than this of single facilities are left to the GeoPackage.
_MOST_VERTICES = 250_000


def content(results: Results, options: Options = Options()) -> dict[str, Any]:  # noqa: B008
    """Everything that goes into the page's JSON block.

    Parameters
    ----------
    results : Results
    options : Options, optional

    Returns
    -------
    dict
        JSON values only.
    """
    options.require_known()
    results = rounded(results, options.min_persons)
    city, plan = results.city, results.city.analysis
    catalog = load_catalog()
    layers = results.layers
    redact, keys = options.redact, area_keys(results, options.redact)
    drawn = [x for x in layers.values() if options.layers is None or x.id in options.layers]
    return {
        "city": {"zh": options.title or city.name_zh, "en": options.title or city.name_en},
        "lang": options.lang,
        "first": city.language,
        "approval": options.approval,
        "notice": {"zh": city.notice_zh, "en": city.notice_en},
        **spoken(),
        "chapters": {k: dict(v) for k, v in catalog.chapters.items()},
        "layers": [
            *(_layer(x, plan.headline_facilities, options) for x in drawn if len(x.frame)),
            *_outside(results, options),
            *_bands(results),
            *_isochrones(results, options),
            *_gaps(results, redact),
            *conflict_layers(results, redact),
            *scenario_layers(results, redact),
        ],
        "view": _view(results),
        "ramp": ramp_of(plan.minutes),
        "land": tables.of_land(results),
        "attribution": _attribution(results),
        "headline": _keyed(tables.headline(results), keys),
        "coverage": _keyed(tables.coverage(results), keys),
        "areas": area_names(results, redact),
        "facilities": {f: _names(layers[f].kind) for f in plan.facilities},
        "modes": {m: _names(catalog.mode(m)) for m in plan.modes},
        "selected": [plan.headline_facilities, plan.headline_mode],
        "scenarios": scenarios(results, redact),
        "scenario_rows": _keyed(scenario_rows(results), keys),
        "plan": plan_tree(results, redact),
        "indicators": _keyed(tables.indicators(results, redact), keys),
        "least": results.least,
        "hidden": list(redact),
        "unlocated": tables.unlocated({x.id: x for x in drawn}, redact),
        "findings": _findings(results, options),
        "sources": tables.sources({x.id: x for x in drawn}),
        "checks": {
            "count": len(results.checks),
            "failed": int((results.checks["verdict"] == "fail").sum()),
        },
    }


def _view(results: Results) -> list[float]:
    # The page opens on the headline's bands, but for the farthest one.
    plan, bands = results.city.analysis, results.bands
    of_mode = bands["mode"] == plan.headline_mode
    chosen = bands[of_mode & (bands["facilities"] == plan.headline_facilities)]
    near = chosen[chosen["minutes"] < chosen["minutes"].max()]
    # Without any bands or people: the city's outline, then whatever has a place.
    first = ("districts", "study_area")
    drawn = sorted(results.layers.values(), key=lambda layer: layer.id not in first)
    for frame in (near, chosen, results.demand, *(layer.located for layer in drawn)):
        if len(frame) and not frame.geometry.is_empty.all():
            return [round(float(x), 5) for x in frame.total_bounds]
    return [-180.0, -85.0, 180.0, 85.0]


def _keyed(value: Any, keys: dict[str, str]) -> Any:
    # Tables call areas by their Chinese name, which may have to be left out.
    if isinstance(value, list):
        return [_keyed(row, keys) for row in value]
    if "rows" in value:
        return value | {"rows": _keyed(value["rows"], keys)}
    return value | {"area": keys.get(value["area"], value["area"])}


def _findings(results: Results, options: Options) -> list[str]:
    # A finding that quotes what must not be in the file is left out with it.
    secret = secrets(results, options.redact)
    return [text for text in results.findings if not quotes(text, secret)]


def _names(named: Any) -> dict[str, str]:
    return {"zh": named.name_zh, "en": named.name_en}


def _layer(layer: Layer, headline: str, options: Options) -> dict[str, Any]:
    frame, kind = layer.located, layer.kind
    columns = [c for c in frame.columns if c != "geometry" and c not in options.redact]
    zoom = _FACILITY_LABEL_ZOOM if kind.role == "facility" else None
    decimals = decimals_of(frame)
    return {
        "id": layer.id,
        "zh": kind.name_zh,
        "en": kind.name_en,
        "chapter": kind.chapter,
        "geometry": kind.geometry,
        "role": kind.role,
        "color": kind.color,
        "open": layer.id in OPEN or layer.id == headline,
        "label": _LABELS.get(layer.id, zoom),
        "units": {k: v for k, v in kind.columns.items() if k not in options.redact},
        "total": len(layer.frame),
        "pinyin": sounds(frame["name_zh"]) if "name_zh" in columns else [],
        "decimals": decimals,
        "features": features(frame, columns, decimals),
    }


def _outside(results: Results, options: Options) -> list[dict[str, Any]]:
    # Lighter than the city's own, and in no count of them.
    found, frame = [], left_out(results.outside, options.redact)
    for name, part in frame.groupby("facilities", sort=False):
        kind = results.layers[name].kind
        if options.layers is not None and name not in options.layers:
            continue
        names = {"zh": f"{kind.name_zh}（城市范围外）", "en": f"{kind.name_en} beyond the boundary"}
        own = {"geometry": "point", "role": "context", "color": outside_color(kind), "decimals": 5}
        own |= {"open": name == results.city.analysis.headline_facilities, "units": {}}
        layer = result_layer(f"outside:{name}", part.assign(minutes=0.0), names, **own)
        found.append(layer)
    return found


def _bands(results: Results) -> list[dict]:
    plan, catalog = results.city.analysis, load_catalog()
    frame = simplified(results.bands, results.city)
    found = []
    for facilities in plan.facilities:
        for mode in plan.modes:
            part = frame[(frame["facilities"] == facilities) & (frame["mode"] == mode)]
            names = title(results.layers[facilities].kind, catalog.mode(mode), "等时圈", "bands")
            chosen = (facilities, mode) == (plan.headline_facilities, plan.headline_mode)
            key = f"bands:{facilities}:{mode}"
            found.append(result_layer(key, part, names, open=chosen))
    return found


def _too_many(frame: gpd.GeoDataFrame) -> bool:
    return frame.geometry.count_coordinates().sum() > _MOST_VERTICES


def _isochrones(results: Results, options: Options) -> list[dict]:
    plan, catalog = results.city.analysis, load_catalog()
    frame = simplified(results.isochrones, results.city)
    frame = frame[frame["facilities"] == plan.headline_facilities]
    frame = left_out(frame, options.redact)
    kind = results.layers[plan.headline_facilities].kind
    if _too_many(frame):
        return []
    return [
        result_layer(
            f"isochrones:{mode}",
            frame[frame["mode"] == mode],
            title(kind, catalog.mode(mode), "逐设施", "each facility"),
            open=False,
        )
        for mode in plan.modes
    ]


def _gaps(results: Results, redact: tuple[str, ...]) -> list[dict]:
    # Where people live farther than the headline's limit, one layer per mode.
    plan, catalog = results.city.analysis, load_catalog()
    frame = results.gaps
    if len(frame) and frame["persons"].notna().any():
        hidden = (frame["persons"] == 0) & (results.least > 0)
        frame = frame.assign(persons=frame["persons"].round().mask(hidden))
    if len(frame):
        frame = frame.assign(area=frame["area"].replace(area_keys(results, redact)))
    kind = results.layers[plan.headline_facilities].kind
    found = []
    for mode in plan.modes:
        part = left_out(simplified(frame[frame["mode"] == mode], results.city), redact)
        names = title(kind, catalog.mode(mode), "未覆盖", "out of reach")
        own = {"role": "gap", "color": catalog.symbols.gap, "open": False}
        own["units"] = {"persons": "", "area": "", "minutes": "min", "nearest_min": "min"}
        found.append(result_layer(f"gaps:{mode}", part, names, **own))
    return [layer for layer in found if layer["features"]]


def _attribution(results: Results) -> str:
    frames = [layer.frame for layer in results.layers.values()]
    drawn = any((frame["quality"] == "schematic").any() for frame in frames)
    osm = any(frame["licence"].astype(str).str.startswith("ODbL").any() for frame in frames)
    said = ["示意图 schematic"] * drawn + ["© OpenStreetMap contributors (ODbL)"] * osm
    return " · ".join([*said, results.city.name_zh])


#: Metres of a degree of latitude; of longitude there are fewer.
_M_PER_DEGREE = 111_320
#: Decimals of a degree for the worst and the best accuracy, and where none is stated.
_LEAST, _MOST = 4, 6


def decimals_of(frame: gpd.GeoDataFrame) -> int:
    """Decimals of a degree at which rounding moves nothing by a tenth of its accuracy.

    Parameters
    ----------
    frame : GeoDataFrame
        The best ``accuracy_m`` of its rows decides; without one, 0.1 m is kept.
    """
    import pandas as pd

    known = pd.to_numeric(frame["accuracy_m"], errors="coerce") if "accuracy_m" in frame else None
    best = 0.0 if known is None or known.isna().all() else float(known.min())
    if best <= 0:
        return _MOST
    needed = -math.log10(best / 10 / _M_PER_DEGREE * 2)
    return max(_LEAST, min(_MOST, math.ceil(needed)))


def features(frame: gpd.GeoDataFrame, columns: list[str], decimals: int) -> list[dict[str, Any]]:
    """GeoJSON features of a frame in WGS84, coordinates rounded."""
    import shapely

    rounded = shapely.transform(frame.geometry.values, lambda xy: xy.round(decimals))
    texts = shapely.to_geojson(rounded)
    return [
        {
            "type": "Feature",
            "properties": {c: plain(v) for c, v in zip(columns, values)},
            "geometry": None if text is None else json.loads(text),
        }
        for values, text in zip(frame[columns].values.tolist(), texts)
    ]


def spoken() -> dict[str, Any]:
    """What every page speaks and draws with: names of columns and values, lines and fills."""
    catalog = load_catalog()
    return {
        "fields": {k: dict(v) for k, v in catalog.fields.items()},
        "values": catalog.symbols.values,
        "roads": catalog.symbols.roads,
        "fill": catalog.symbols.fill,
    }


def sounds(names: Any) -> list[str]:
    """What Chinese names sound like, whole and by initials: ``longmatanqu lmtq``."""
    texts = [str(name) for name in names]
    chinese = re.compile(r"[\u4e00-\u9fff]")
    if not any(map(chinese.search, texts)):
        return [""] * len(texts)
    require("page", "pypinyin")
    from pypinyin import Style, lazy_pinyin

    def heard(name: str) -> str:
        if not chinese.search(name):
            return ""
        initials = lazy_pinyin(name, style=Style.FIRST_LETTER)
        return f"{''.join(lazy_pinyin(name))} {''.join(initials)}".lower()

    return [heard(text) for text in texts]


#: Share of a cell to which modelled bands are simplified on the page.
_SIMPLIFY = 0.3
#: Parts and holes smaller than this many such squares are left out there.
_SPECK = 20.0


def simplified(frame: gpd.GeoDataFrame, city: City) -> gpd.GeoDataFrame:
    """Areas with the bends and specks taken out that nobody sees on a screen."""
    frame = frame[~(frame.geometry.isna() | frame.geometry.is_empty)]
    metric, bend_m = to_crs(frame, city.metric_crs), _SIMPLIFY * city.analysis.cell_m
    # For the eye only: a ring that meets itself is drawn like any other.
    shapes = metric.geometry.simplify(bend_m, preserve_topology=False)
    shapes = shapes.map(partial(_without_specks, least_m2=_SPECK * bend_m**2))
    done = metric.set_geometry(shapes)[~shapes.is_empty]
    return done.to_crs(frame.crs)


def _without_specks(shape: BaseGeometry, least_m2: float) -> BaseGeometry:
    # Parts and holes that are no more than a few dots on the screen.
    import shapely

    kept = []
    for part in shapely.get_parts(shape):
        rings = [shapely.polygons(r) for r in shapely.get_rings(part)]
        if not rings:
            continue
        outer, *holes = rings
        if outer.area >= least_m2:
            large = [h.exterior for h in holes if h.area >= least_m2]
            kept.append(shapely.Polygon(outer.exterior, large))
    return shapely.MultiPolygon(kept)


def result_layer(key: str, frame: gpd.GeoDataFrame, names: dict, **own: Any) -> dict[str, Any]:
    """A layer of areas with ``minutes``, farthest first so that nearer ones lie on top."""
    columns = [c for c in frame.columns if c != "geometry"]
    far_first = frame.sort_values("minutes", ascending=False, kind="stable")
    return {
        "id": key,
        **names,
        "chapter": "results",
        "geometry": "polygon",
        "role": "band",
        "color": load_catalog().symbols.ramp[1],
        "label": None,
        "units": {"minutes": "min", "area_km2": "km²"},
        "total": len(frame),
        "decimals": 4,
        "features": features(far_first, columns, 4),
    } | own


def title(kind: Any, mode: Mode, what_zh: str, what_en: str) -> dict[str, str]:
    """What a result of a kind of facility and a mode is called."""
    return {
        "zh": f"{kind.name_zh} · {mode.name_zh}{what_zh}",
        "en": f"{kind.name_en}, {mode.name_en}: {what_en}",
    }


_BOTH = ("promised", "values", "distance", "missing", "note")


def plan_tree(results: Results, redact: tuple[str, ...]) -> dict[str, Any]:
    """Parts, tasks with their items, targets; nothing where the city has no plan.

    Each item names the layers, and the features of them, that show it: choosing it drives the map.
    """
    known, book = results.plan.plan, results.plan
    if not known.tasks:
        return {"tasks": [], "targets": []}
    rows = {row["item"]: row for row in book.ledger.to_dict("records")}
    secret = secrets(results, redact)
    quoted = secrets(results, [c for c in redact if c.startswith(("name_", "note_"))])
    about = known.about
    return {
        "zh": about["title_zh"],
        "en": about["title_en"],
        "document": about["document"],
        "source": about["source"],
        "cut": {"zh": about.get("cut_off_zh", ""), "en": about.get("cut_off_en", "")},
        "parts": {k: named(k, p["name_zh"], p["name_en"], redact) for k, p in known.parts.items()},
        "tasks": [
            {
                "number": task.number,
                "part": task.part,
                **named("–", task.name_zh, task.name_en, redact),
                "agencies": list(task.agencies),
                "published": task.published,
                "items": [
                    _item(rows[item.id], book.shown[item.id], item.agencies, redact, quoted)
                    for item in task.items
                ],
            }
            for task in known.tasks
        ],
        "targets": [_target(row, redact) for row in book.targets.to_dict("records")],
        "findings": [text for text in book.findings if not quotes(text, secret)],
    }


def _item(
    row: dict,
    shown: Mapping[str, list[str]],
    agencies: tuple,
    redact: tuple[str, ...],
    quoted: frozenset[str],
) -> dict[str, Any]:
    both = [f"{k}_{lang}" for k in _BOTH for lang in ("zh", "en")]
    said = {k: "" if k in redact else row[k] for k in both}
    # What the ledger writes by itself names targets, layers and indicators.
    written = [k for k in both if k.startswith(("values_", "distance_", "missing_"))]
    said |= {k: "" for k in written if quotes(said[k], quoted)}
    return {
        "id": row["item"],
        # Its number stands before it.
        **named("–", row["name_zh"], row["name_en"], redact),
        "agencies": list(agencies),
        "features": int(row["features"]),
        "located": int(row["located"]),
        "quality": row["quality"],
        "shows": shown,
        "layers": list(shown),
        "indicators": [name for name in row["indicators"].split("; ") if name],
        **said,
    }


def _target(row: dict, redact: tuple[str, ...]) -> dict[str, Any]:
    def year(value: float) -> str:
        return "" if value != value else f"{value:.0f}"

    return {
        "id": row["target"],
        **named(row["target"], row["name_zh"], row["name_en"], redact),
        "unit": row["unit"],
        "goal": figure(plain(row["goal"])),
        "year": year(row["year"]),
        "latest": figure(plain(row["latest"])),
        "latest_year": year(row["latest_year"]),
        "needed": figure(plain(row["still_needed"])),
        "per_year": figure(plain(row["per_year"])),
        **remarks(row, redact),
    }


def conflict_layers(results: Results, redact: tuple[str, ...]) -> list[dict[str, Any]]:
    """Where plan layers contradict each other: none, or one layer."""
    frame = results.plan.conflicts
    if not len(frame):
        return []
    rules = conflict_rules()
    # What must not be told of a feature is not told of its conflicts.
    secret = {c.replace("name", f"feature_{x}") for c in redact if c in ("name_zh", "name_en") for x in "ab"}  # fmt: skip
    hidden = [*redact, *sorted(secret)]
    frame = left_out(frame, hidden).assign(minutes=0.0)
    shade = {
        "column": "within_accuracy",
        "figures": False,
        "keys": [False, True],
        "colors": [r.look.fill for r in rules],
        "said": [r.name_zh for r in rules],
        "said_en": [r.name_en for r in rules],
        "title": {"zh": "一致性核对", "en": "Conflicts within the plan"},
        "none": rules[1].look.fill,
    }
    own = {"role": "conflict", "open": False, "units": {"area_ha": "ha", "length_km": "km"}}
    names = {"zh": "一致性核对", "en": "Conflicts within the plan"}
    layer = result_layer("conflicts", frame, names, color=rules[0].look.fill, **own)
    return [layer | {"shade": shade}]


def scenarios(results: Results, redact: tuple[str, ...] = ()) -> list[dict[str, str]]:
    """Every scenario by name, with what must be known of it; the baseline is not one of them."""
    return [
        {
            "id": one.id,
            **named(one.id, one.name_zh, one.name_en, redact),
            **remarks(vars(one), redact),
        }
        for one in results.scenarios.values()
        if one.id != BASELINE
    ]


def scenario_rows(results: Results) -> list[dict[str, Any]]:
    """Coverage under each scenario at the headline's limit, for kinds that it changes."""
    table = results.scenario_coverage
    if not len(table):
        return []
    table = table[table["minutes"] == results.city.analysis.headline_minutes]
    found = []
    for row in table.itertuples():
        found.append(
            {
                "id": row.scenario,
                "facilities": row.facilities,
                "mode": row.mode,
                "area": row.area,
                "gained": gain(row.persons_gained),
                # For the order of the table; nothing where nothing is told.
                "rank": 0
                if row.persons_gained != row.persons_gained
                else round(row.persons_gained),
                "share": percent(row.share),
                "persons": whole(row.persons_covered),
            }
        )
    return found


def scenario_layers(results: Results, redact: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Bands under each scenario, and where minutes change."""
    found = []
    bands = simplified(results.scenario_bands, results.city)
    for key, part in bands.groupby(["scenario", "facilities", "mode"], sort=False):
        found.append(
            _scenario_layer(results, "after", key, part.drop(columns="scenario"), ("", ""), redact)
        )
    changes = simplified(results.differences, results.city)
    words = change_words()
    shade = {
        "column": "class",
        "figures": False,
        "keys": [i for i, *_ in words],
        "colors": [c for *_, c in words],
        "said": [zh for _, zh, _, _ in words],
        "said_en": [en for _, _, en, _ in words],
        "none": load_catalog().symbols.same,
    }
    for key, part in changes.groupby(["scenario", "facilities", "mode"], sort=False):
        few = (part["persons"] == 0) & (results.least > 0)
        own = part.assign(minutes=0.0, persons=part["persons"].round().mask(few))
        own = left_out(own.drop(columns=["scenario", "from_min", "to_min"]), redact)
        layer = _scenario_layer(results, "change", key, own, ("（时间变化）", ": change"), redact)
        found.append(layer | {"shade": shade, "units": {"persons": ""}})
    return found


def _scenario_layer(
    results: Results,
    role: str,
    key: tuple,
    part: Any,
    what: tuple[str, str],
    redact: tuple[str, ...],
) -> dict[str, Any]:
    scenario, facilities, mode = key
    one, kind = results.scenarios[scenario], results.layers[facilities].kind
    way = load_catalog().mode(mode)
    called = named(one.id, one.name_zh, one.name_en, redact)
    names = {
        "zh": f"{called['zh']} · {kind.name_zh} · {way.name_zh}{what[0]}",
        "en": f"{called['en']}: {kind.name_en}, {way.name_en}{what[1]}",
    }
    name = f"{role}:{scenario}:{facilities}:{mode}"
    return result_layer(name, part, names, role=role, open=False, chapter="scenarios")
