"""What the page shows, as plain values: layers with features, tables, notes."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from urbanplan.catalog import Mode, load_catalog
from urbanplan.city import City
from urbanplan.layers import Layer
from urbanplan.study import Results

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from shapely.geometry.base import BaseGeometry

#: Layers that are on when the page opens, besides the headline's facilities and bands.
_OPEN = ("districts", "water", "roads", "bridges", "greenway", "parks")
#: Layers whose names are written on the map, and the zoom from which they are.
_LABELS = {"districts": 8, "water": 10, "bridges": 13, "parks": 13, "industrial_parks": 13, "townships": 12}  # fmt: skip
_FACILITY_LABEL_ZOOM = 13
#: Sequential ramp, dark near and pale far; readable with any colour vision (ColorBrewer YlGnBu).
_RAMP = ("#0c2c84", "#1d91c0", "#7fcdbb", "#c7e9b4")
#: Share of a cell to which modelled bands are simplified on the page.
_SIMPLIFY = 0.3
#: Parts and holes smaller than this many such squares are left out there.
_SPECK = 20.0
#: More vertices than this of single facilities are left to the GeoPackage.
_MOST_VERTICES = 250_000


def content(results: Results) -> dict[str, Any]:
    """Everything that goes into the page's JSON block.

    Parameters
    ----------
    results : Results

    Returns
    -------
    dict
        JSON values only.
    """
    city, plan = results.city, results.city.analysis
    catalog = load_catalog()
    return {
        "city": {"zh": city.name_zh, "en": city.name_en},
        "notice": {"zh": city.notice_zh, "en": city.notice_en},
        "fields": {k: dict(v) for k, v in catalog.fields.items()},
        "chapters": {k: dict(v) for k, v in catalog.chapters.items()},
        "layers": [
            *(
                _layer(layer, plan.headline_facilities)
                for layer in results.layers.values()
                if len(layer.frame)
            ),
            *_bands(results),
            *_isochrones(results),
        ],
        "ramp": _ramp(plan.minutes),
        "counted": "km²" if _of_land(results) else "人",
        "attribution": _attribution(results),
        "headline": _headline(results),
        "coverage": _coverage(results),
        "facilities": {f: _names(results.layers[f].kind) for f in plan.facilities},
        "modes": {m: _names(catalog.mode(m)) for m in plan.modes},
        "selected": [plan.headline_facilities, plan.headline_mode],
        "what_ifs": _what_ifs(results),
        "unlocated": _unlocated(results.layers),
        "findings": list(results.findings),
        "sources": _sources(results.layers),
        "checks": {
            "count": len(results.checks),
            "failed": int((results.checks["verdict"] == "fail").sum()),
        },
    }


def _names(named: Any) -> dict[str, str]:
    return {"zh": named.name_zh, "en": named.name_en}


def _plain(value: Any) -> Any:
    # What is missing is left out of a card; whole floats read better without their ".0".
    import pandas as pd

    if hasattr(value, "item"):
        value = value.item()
    if value is None or value is pd.NA or value != value or value in ("", math.inf, -math.inf):
        return None
    return int(value) if isinstance(value, float) and value == int(value) else value


def _figure(value: Any) -> str:
    # As the cards show it: two decimals at most, thousands apart from 10,000 on (years stay years).
    value = _plain(value)
    if isinstance(value, str) or value is None:
        return value or ""
    text = f"{value:,.2f}" if abs(value) >= 10_000 else f"{value:.2f}"
    return text.rstrip("0").rstrip(".")


def _features(frame: gpd.GeoDataFrame, columns: list[str], decimals: int = 5) -> list[dict]:
    import shapely

    rows = []
    for values, geometry in zip(frame[columns].values.tolist(), frame.geometry):
        rounded = shapely.transform(geometry, lambda xy: xy.round(decimals))
        rows.append(
            {
                "type": "Feature",
                "properties": {c: _plain(v) for c, v in zip(columns, values)},
                "geometry": json.loads(shapely.to_geojson(rounded)),
            }
        )
    return rows


def _layer(layer: Layer, headline: str) -> dict[str, Any]:
    frame, kind = layer.located, layer.kind
    columns = [c for c in frame.columns if c != "geometry"]
    zoom = _FACILITY_LABEL_ZOOM if kind.role == "facility" else None
    return {
        "id": layer.id,
        "zh": kind.name_zh,
        "en": kind.name_en,
        "chapter": kind.chapter,
        "geometry": kind.geometry,
        "role": kind.role,
        "color": kind.color,
        "open": layer.id in _OPEN or layer.id == headline,
        "label": _LABELS.get(layer.id, zoom),
        "units": dict(kind.columns),
        "total": len(layer.frame),
        "features": _features(frame, columns),
    }


def _simplified(frame: gpd.GeoDataFrame, city: City) -> gpd.GeoDataFrame:
    frame = frame[~frame.geometry.is_empty]
    metric, bend_m = frame.to_crs(city.metric_crs), _SIMPLIFY * city.analysis.cell_m
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
        outer, *holes = (shapely.polygons(r) for r in shapely.get_rings(part))
        if outer.area >= least_m2:
            large = [h.exterior for h in holes if h.area >= least_m2]
            kept.append(shapely.Polygon(outer.exterior, large))
    return shapely.MultiPolygon(kept)


def _ramp(minutes: tuple[float, ...]) -> dict[str, str]:
    # Nearest limit darkest; more limits than colours repeat the palest.
    return {f"{m:g}": _RAMP[min(i, len(_RAMP) - 1)] for i, m in enumerate(minutes)}


def _result_layer(results: Results, key: str, frame: gpd.GeoDataFrame, names: dict, **own) -> dict:
    columns = [c for c in frame.columns if c != "geometry"]
    far_first = frame.sort_values("minutes", ascending=False, kind="stable")
    return {
        "id": key,
        **names,
        "chapter": "results",
        "geometry": "polygon",
        "role": "band",
        "color": _RAMP[1],
        "label": None,
        "units": {"minutes": "min", "area_km2": "km²"},
        "total": len(frame),
        "features": _features(far_first, columns, 4),
    } | own


def _title(kind: Any, mode: Mode, what_zh: str, what_en: str) -> dict[str, str]:
    return {
        "zh": f"{kind.name_zh} · {mode.name_zh}{what_zh}",
        "en": f"{kind.name_en}, {mode.name_en}: {what_en}",
    }


def _bands(results: Results) -> list[dict]:
    plan, catalog = results.city.analysis, load_catalog()
    frame = _simplified(results.bands, results.city)
    found = []
    for facilities in plan.facilities:
        for mode in plan.modes:
            part = frame[(frame["facilities"] == facilities) & (frame["mode"] == mode)]
            names = _title(results.layers[facilities].kind, catalog.mode(mode), "等时圈", "bands")
            chosen = (facilities, mode) == (plan.headline_facilities, plan.headline_mode)
            key = f"bands:{facilities}:{mode}"
            found.append(_result_layer(results, key, part, names, open=chosen))
    return found


def _too_many(frame: gpd.GeoDataFrame) -> bool:
    return frame.geometry.count_coordinates().sum() > _MOST_VERTICES


def _isochrones(results: Results) -> list[dict]:
    plan, catalog = results.city.analysis, load_catalog()
    frame = _simplified(results.isochrones, results.city)
    frame = frame[frame["facilities"] == plan.headline_facilities]
    kind = results.layers[plan.headline_facilities].kind
    if _too_many(frame):
        return []
    return [
        _result_layer(
            results,
            f"isochrones:{mode}",
            frame[frame["mode"] == mode],
            _title(kind, catalog.mode(mode), "逐设施", "each facility"),
            open=False,
        )
        for mode in plan.modes
    ]


def percent(share: float) -> str:
    """A share as the page prints it."""
    return "–" if share != share else f"{share:.1%}"


def whole(persons: float) -> str:
    """A count of people as the page prints it."""
    # The sum of rounding errors must not read "-0".
    return "–" if persons != persons else f"{round(persons):,}"


def square_km(area: float) -> str:
    """An area in km² as the page prints it: whole, with a decimal below 10."""
    return "–" if area != area else f"{area:,.0f}" if area >= 10 else f"{area:.1f}"


def gain(persons: float) -> str:
    """A difference in people as the page prints it, with its sign."""
    text = whole(persons)
    return text if text[0] in "-–" or text == "0" else f"+{text}"


def _of_land(results: Results) -> bool:
    # Where nobody knows who lives where, shares are of land.
    return bool(results.coverage["persons"].isna().all())


def _attribution(results: Results) -> str:
    frames = [layer.frame for layer in results.layers.values()]
    drawn = any((frame["quality"] == "schematic").any() for frame in frames)
    osm = any(frame["licence"].astype(str).str.startswith("ODbL").any() for frame in frames)
    said = ["示意图 schematic"] * drawn + ["© OpenStreetMap contributors (ODbL)"] * osm
    return " · ".join([*said, results.city.name_zh])


def _row(row: Any, of_land: bool) -> dict[str, Any]:
    return {
        "facilities": row.facilities,
        "mode": row.mode,
        "minutes": f"{row.minutes:g}",
        "area": row.area,
        "share": percent(row.km2_share if of_land else row.share),
        "persons": square_km(row.km2_covered) if of_land else whole(row.persons_covered),
        "of": square_km(row.km2) if of_land else whole(row.persons),
        "km2": square_km(row.km2_covered),
    }


def _coverage(results: Results) -> list[dict[str, Any]]:
    return [_row(row, _of_land(results)) for row in results.coverage.itertuples()]


def _headline(results: Results) -> dict[str, Any]:
    plan = results.city.analysis
    hit: pd.DataFrame = results.coverage[
        (results.coverage["facilities"] == plan.headline_facilities)
        & (results.coverage["minutes"] == plan.headline_minutes)
    ]
    return {
        "zh": plan.headline_zh,
        "en": plan.headline_en,
        "minutes": f"{plan.headline_minutes:g}",
        "rows": [_row(row, _of_land(results)) for row in hit.itertuples()],
    }


def _what_ifs(results: Results) -> list[dict[str, Any]]:
    plan = results.city.analysis
    table = results.what_ifs
    table = table[table["minutes"] == plan.headline_minutes] if len(table) else table
    return [
        {
            "zh": row.name_zh,
            "en": row.name_en,
            "mode": row.mode,
            "area": row.area,
            "id": row.what_if,
            "gained": gain(row.persons_gained),
            "persons": whole(row.persons_covered),
        }
        for row in table.itertuples()
    ]


def _unlocated(layers: Mapping[str, Layer]) -> list[dict[str, Any]]:
    rows, fields = [], load_catalog().fields
    for layer in layers.values():
        frame = layer.frame[~layer.frame["id"].isin(layer.located["id"])]
        for values in frame.drop(columns="geometry").to_dict("records"):
            figures = [
                f"{fields[name]['zh']} {_figure(values[name])} {unit}".strip()
                for name, unit in layer.kind.columns.items()
                if _plain(values[name]) is not None
            ]
            rows.append(
                {
                    "layer": layer.kind.name_zh,
                    "name": values["name_zh"],
                    "en": values["name_en"],
                    "status": values["status"],
                    "note": values["note_zh"] or "",
                    "figures": "；".join(figures),
                    "source": values["source"],
                }
            )
    return rows


def _sources(layers: Mapping[str, Layer]) -> list[dict[str, Any]]:
    # One line per licence and quality, with the layers that rest on it.
    found: dict[tuple[str, str], list[str]] = {}
    for layer in layers.values():
        for pair in layer.frame[["quality", "licence"]].drop_duplicates().itertuples(index=False):
            found.setdefault((pair.quality, pair.licence), []).append(layer.kind.name_zh)
    return [
        {"quality": quality, "licence": licence, "layers": names}
        for (quality, licence), names in found.items()
    ]
