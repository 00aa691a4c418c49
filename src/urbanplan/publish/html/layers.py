"""Results as layers of the page: simplified for the eye, farthest first."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from urbanplan.catalog import Mode, load_catalog
from urbanplan.city import City
from urbanplan.crs import to_crs
from urbanplan.publish.html.features import features

if TYPE_CHECKING:
    import geopandas as gpd
    from shapely.geometry.base import BaseGeometry

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
