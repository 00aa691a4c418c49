"""Any frames as a page: layers with legend, cards, tables, search; what is not stated is said."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from urbanplan.base.crs import WGS84, to_crs
from urbanplan.catalog import GEOMETRY_TYPES
from urbanplan.errors import InputError, UnknownNameError, one_of
from urbanplan.output.page.content import decimals_of, features, sounds, spoken
from urbanplan.output.page.shell import Options, leaflet
from urbanplan.output.page.tables import figure, plain

if TYPE_CHECKING:
    import folium
    import geopandas as gpd
    import pandas as pd

#: Colours of layers and of values that are names (Okabe and Ito, told apart with any colour vision).
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9", "#7f4f24", "#5b6470")
#: Values that are figures, small to large (ColorBrewer YlGnBu, five classes).
_SEQUENCE = ("#c7e9b4", "#7fcdbb", "#41b6c4", "#1d91c0", "#0c2c84")
#: What has no value, and values that are names beyond the eighth.
_NONE = "#9aa3ab"
#: More names than this on one layer would only cover the map.
_MOST_LABELS = 400


def of_frames(
    frames: Mapping[str, gpd.GeoDataFrame], options: Options, by: str | None = None
) -> dict[str, Any]:
    """Everything that a page of these frames holds.

    Parameters
    ----------
    frames : dict of str to GeoDataFrame
        By the name that readers see; in any declared coordinate system. Columns may be called
        by anything: labels that are no text are shown as text, a second one of a name by a number.
    options : Options
    by : str, optional
        Column that gives features their colour: figures in five classes of equal count, anything
        else by its eight commonest values.

    Raises
    ------
    CrsError
        If a frame declares no coordinate system.
    InputError
        If `min_persons` is asked for, nothing has a place, something is no frame of places, or a
        geometry is neither point, line nor area.
    UnknownNameError
        If no frame has a column that is asked for or to be left out.
    """
    if options.min_persons:
        raise InputError(
            "min_persons holds for the tables of a run",
            remedy="leave small counts out of the frame",
        )
    frames = {str(name): _with_text_labels(frame, str(name)) for name, frame in frames.items()}
    by = None if by is None else str(by)
    columns = {c for frame in frames.values() for c in frame.columns}
    for column in (*options.redact, *((by,) if by else ())):
        if column not in columns:
            raise UnknownNameError(
                f"no frame has a column '{column}'", remedy=one_of(column, sorted(columns))
            )
    layers: list[dict[str, Any]] = []
    drawn = {k: f for k, f in frames.items() if options.layers is None or k in options.layers}
    for name, frame in drawn.items():
        layers += _layers(name, to_crs(frame, WGS84), options, by, len(layers))
    if not layers:
        raise InputError("there is nothing to draw", remedy="give a frame whose rows have a place")
    boxes = np.array([layer.pop("box") for layer in layers])
    title = options.title or " · ".join(frames)
    return {
        "city": {"zh": title, "en": title},
        "lang": options.lang,
        "first": "zh",
        "approval": options.approval,
        "notice": _notice(drawn),
        **spoken(),
        "chapters": {"frames": {"zh": "数据", "en": "Data"}},
        "layers": layers,
        "view": [*boxes[:, :2].min(0).tolist(), *boxes[:, 2:].max(0).tolist()],
        "attribution": "",
        "unlocated": [row for k, f in drawn.items() for row in _unlocated(k, f, options.redact)],
        "sources": _sources(drawn),
        **_no_tables(options),
    }


def folium_map(
    what: gpd.GeoDataFrame | gpd.GeoSeries | Mapping[str, gpd.GeoDataFrame],
    *,
    by: str | None = None,
) -> folium.Map:
    """Frames as a `folium.Map`, to which any object of folium or branca may be added.

    Parameters
    ----------
    what : GeoDataFrame, GeoSeries, or dict of str to one of them
        Frames by the name that readers see, in any declared coordinate system.
    by : str, optional
        Column that gives features their colour, as for `page`.

    Returns
    -------
    folium.Map
        It opens without a network: Leaflet is bundled. What is added and needs more than Leaflet
        (icons of a font, pop-ups) is folium's to fetch from its own hosts: see its `default_js`.

    Raises
    ------
    CrsError
        If a frame declares no coordinate system.
    InputError
        If there is nothing to draw.

    Examples
    --------
    >>> import geopandas as gpd
    >>> import shapely
    >>> parks = gpd.GeoDataFrame({"name": ["North"]}, geometry=[shapely.box(0, 0, 1, 1)], crs=4326)
    >>> type(folium_map(parks)).__name__
    'Map'
    """
    import folium

    frames = what if isinstance(what, Mapping) else {"图层 / Layer": what}
    view = folium.Map(tiles=None, control_scale=True)
    view.default_js, view.default_css = [], []
    # Our own files as they are: nothing in them is a template.
    root: Any = view.get_root()  # a figure, says folium
    root.header.add_child(folium.Element(f"{{% raw %}}{leaflet()}{{% endraw %}}"))
    boxes = []
    for number, (name, given) in enumerate(frames.items()):
        frame = to_crs(_with_text_labels(given, str(name)), WGS84)
        frame = frame[_located(frame)]
        if len(frame):
            boxes.append(frame.total_bounds)
            _folium_layer(str(name), frame, by, COLORS[number % len(COLORS)]).add_to(view)
    if not boxes:
        raise InputError("there is nothing to draw", remedy="give a frame whose rows have a place")
    folium.LayerControl(collapsed=False).add_to(view)
    (west, south), (east, north) = np.min(boxes, 0)[:2], np.max(boxes, 0)[2:]
    view.fit_bounds([[float(south), float(west)], [float(north), float(east)]])
    return view


def _folium_layer(name: str, frame: gpd.GeoDataFrame, by: str | None, color: str) -> folium.GeoJson:
    # Columns go in by their number, their names and values inert.
    import folium

    columns = [c for c in frame.columns if c != "geometry"]
    colors = [color] * len(frame)
    if by in columns:
        shade = _shade(frame[by], str(by))
        colors = [_color_of(plain(value), shade) for value in frame[by]]
    rows = zip(frame[columns].to_numpy(object), frame.geometry, colors)
    features = [
        {
            "type": "Feature",
            "properties": {
                "color": own, **{f"c{i}": _inert(figure(v)) for i, v in enumerate(row)}
            },
            "geometry": shape.__geo_interface__,
        }
        for row, shape, own in rows
    ]  # fmt: skip
    card = folium.GeoJsonTooltip(
        [f"c{i}" for i in range(len(columns))], [_inert(c) for c in columns]
    )
    return folium.GeoJson(
        {"type": "FeatureCollection", "features": features},
        name=_inert(name),
        style_function=lambda feature: {"color": feature["properties"]["color"], "weight": 2},
        marker=folium.CircleMarker(radius=5, fill=True),
        tooltip=card if columns else None,
    )


def _inert(text: str) -> str:
    # folium renders what its templates made as templates once more, and shows texts as markup.
    return html.escape(text).replace("{", "&#123;")


def _color_of(value: Any, shade: Mapping[str, Any]) -> str:
    keys, colors = shade["keys"], shade["colors"]
    if shade["figures"]:
        return (
            _NONE
            if value is None
            else colors[min(int(np.searchsorted(keys, value)), len(colors) - 1)]
        )
    return colors[keys.index(value)] if value in keys else _NONE


def _no_tables(options: Options) -> dict[str, Any]:
    # The panels of a run, which a page of frames does not have.
    return {
        "ramp": {},
        "land": False,
        "headline": None,
        "coverage": [],
        "areas": {},
        "facilities": {},
        "modes": {},
        "selected": ["", ""],
        "scenarios": [],
        "scenario_rows": [],
        "plan": {"tasks": [], "targets": []},
        "indicators": [],
        "least": options.min_persons,
        "findings": [],
        "hidden": list(options.redact),
        "checks": None,
    }


def _with_text_labels(frame: gpd.GeoDataFrame | gpd.GeoSeries, name: str) -> gpd.GeoDataFrame:
    """The same rows; columns have names of text, each its own, and the geometry is ``geometry``."""
    import geopandas as gpd
    import pandas as pd

    if isinstance(frame, gpd.GeoSeries):
        return gpd.GeoDataFrame(geometry=frame)
    if not isinstance(frame, gpd.GeoDataFrame) or frame.active_geometry_name is None:
        raise InputError(
            "is no frame with a geometry", where=name, remedy="give a GeoDataFrame or a GeoSeries"
        )
    places = [frame.iloc[:, i] for i in range(frame.shape[1])]
    at = next(
        i for i, column in enumerate(places)
        if isinstance(column, gpd.GeoSeries) and column.name == frame.active_geometry_name
    )  # fmt: skip
    wanted, labels = [str(label) for label in frame.columns.delete(at)], ["geometry"]
    for text in wanted:
        several = (f"{text}_{number}" for number in range(2, len(wanted) + 3))
        free = text if text not in labels else next(s for s in several if s not in wanted)
        labels.append(free)
    rest = frame.iloc[:, [i for i in range(len(places)) if i != at]]
    rest = pd.DataFrame(rest).set_axis(labels[1:], axis=1)
    return gpd.GeoDataFrame(rest, geometry=places[at].rename("geometry"))


def _located(frame: gpd.GeoDataFrame) -> np.ndarray:
    import shapely

    shapes = frame.geometry.values
    # Coordinates that are no numbers are no place.
    finite = np.isfinite(shapely.bounds(shapes)).all(axis=1)
    return finite & ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))


def _layers(
    name: str, frame: gpd.GeoDataFrame, options: Options, by: str | None, before: int
) -> list[dict[str, Any]]:
    # One layer per family of geometry; rows without a place are listed beside the map.
    frame = frame[_located(frame)]
    families = {t: f for f, types in GEOMETRY_TYPES.items() for t in types}
    family = frame.geom_type.map(families)
    if family.isna().any():
        odd = frame.geom_type[family.isna()].iloc[0]
        raise InputError(
            f"holds a {odd}", where=name, remedy="take it apart first, e.g. with frame.explode()"
        )
    columns = [c for c in frame.columns if c != "geometry" and c not in options.redact]
    shade = _shade(frame[by], str(by)) if by in frame.columns and len(frame) else None
    found: list[dict[str, Any]] = []
    for which in family.unique():
        part = frame[family == which]
        decimals = decimals_of(part)
        labelled = len(part) <= _MOST_LABELS and "name_zh" in columns
        found.append(
            {
                "id": f"frame{before + len(found)}",
                "zh": name,
                "en": name,
                "chapter": "frames",
                "geometry": which,
                "role": "frame",
                "color": COLORS[before % len(COLORS)],
                "shade": shade,
                "open": True,
                "label": 12 if labelled else None,
                "units": {c: "" for c in columns if c not in _SAID_APART},
                "total": len(part),
                "pinyin": sounds(part["name_zh"]) if "name_zh" in columns else [],
                "decimals": decimals,
                "box": part.total_bounds,
                "features": features(part, columns, decimals),
            }
        )
    return found


#: Columns that a card prints in places of their own.
_SAID_APART = frozenset(
    {"name_zh", "name_en", "status", "quality", "accuracy_m", "source", "licence", "as_of"}
    | {"note_zh", "note_en", "district"}
)


def _shade(values: pd.Series, column: str) -> dict[str, Any]:
    number = values.dtype.kind in "iuf"
    # What no page can hold as a figure has none.
    values = values.where(np.isfinite(values.astype(float))) if number else values.map(plain)
    if number and values.nunique() > 5:
        bounds = np.unique(values.dropna().quantile([0.2, 0.4, 0.6, 0.8, 1.0]))
        colors = _SEQUENCE[-len(bounds) :]
        keys, said = bounds.tolist(), [f"≤ {figure(b)}" for b in bounds]
    else:
        keys = [plain(v) for v in values.value_counts(sort=True).index[: len(COLORS)]]
        colors, said = COLORS[: len(keys)], [figure(k) for k in keys]
    return {
        "column": column,
        "figures": bool(number and values.nunique() > 5),
        "keys": keys,
        "colors": list(colors),
        "said": said,
        "none": _NONE,
    }


def _notice(frames: Mapping[str, gpd.GeoDataFrame]) -> dict[str, str]:
    silent = [n for n, f in frames.items() if not {"quality", "source"} <= set(f.columns)]
    rough = any(
        f["quality"].isin(["schematic", "modelled"]).any()
        for f in frames.values()
        if "quality" in f.columns
    )
    zh, en = [], []
    if rough:
        zh.append("含示意或推算数据，不是测绘成果。")
        en.append("Holds schematic or modelled data: not a survey.")
    if silent:
        zh.append(f"未注明来源或精度：{'、'.join(silent)}。")
        en.append(f"Source or quality is not stated: {', '.join(silent)}.")
    return {"zh": "".join(zh), "en": " ".join(en)}


def _unlocated(name: str, frame: gpd.GeoDataFrame, redact: tuple[str, ...]) -> list[dict]:
    lost = frame[~_located(frame)]
    rows = lost.drop(columns=["geometry", *(c for c in redact if c in lost)])
    return [
        {
            "layer": {"zh": name, "en": name},
            "name": str(plain(values.get("name_zh")) or plain(values.get("id")) or index),
            "en": str(plain(values.get("name_en")) or ""),
            "status": "",
            "note": "",
            "note_en": "",
            "figures": [
                {"called": {"zh": c, "en": c}, "value": figure(v)}
                for c, v in values.items()
                if figure(v)
            ],
            "source": str(plain(values.get("source")) or ""),
        }
        for index, values in zip(rows.index, rows.to_dict("records"))
    ]


def _sources(frames: Mapping[str, gpd.GeoDataFrame]) -> list[dict[str, Any]]:
    found: dict[tuple[str, str], list[dict[str, str]]] = {}
    for name, frame in frames.items():
        stated = frame.reindex(columns=["quality", "licence"])
        for quality, licence in dict.fromkeys((plain(q), plain(x)) for q, x in stated.to_numpy()):
            key = (str(quality or "unstated"), str(licence or ""))
            found.setdefault(key, []).append({"zh": name, "en": name})
    return [
        {"quality": quality, "licence": licence, "layers": names}
        for (quality, licence), names in found.items()
    ]
