"""What the page shows, as plain values: layers with features, and the tables beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from urbanplan.catalog import load_catalog
from urbanplan.layers import Layer
from urbanplan.publish.drawn import OPEN
from urbanplan.publish.html import tables
from urbanplan.publish.html.features import decimals_of, features, sounds, spoken
from urbanplan.publish.html.layers import result_layer, simplified, title
from urbanplan.publish.html.options import Options
from urbanplan.publish.html.plan import conflict_layers, plan_tree
from urbanplan.publish.html.redact import area_keys, area_names, left_out, quotes, secrets
from urbanplan.publish.html.scenarios import scenario_layers, scenario_rows, scenarios
from urbanplan.publish.rounding import rounded
from urbanplan.publish.symbols import outside_color, ramp_of
from urbanplan.study import Results

if TYPE_CHECKING:
    import geopandas as gpd

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
