"""Coordinates, grids and city profiles."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from townfolder import CITY_TOML, STUDY_TOML, write_town
from urbanplan.base import crs
from urbanplan.base.grid import Grid, grid_over
from urbanplan.catalog import load_catalog
from urbanplan.city.profile import embedded_cities, load_city, require_facility
from urbanplan.errors import CrsError, InputError, UnknownNameError


@pytest.mark.parametrize("bad", ["EPSG:4326", "EPSG:3857", "EPSG:999999", "nonsense", "EPSG:2227"])
def test_only_metric_systems_measure(bad):
    with pytest.raises(CrsError, match="EPSG:4544"):
        crs.require_metric(bad)


def test_area_is_ellipsoidal_and_holes_count():
    # Zone of the ellipsoid between two parallels, closed form (Snyder 1987, eq. 3-12).
    a, f = 6378137.0, 1 / 298.257223563
    e = np.sqrt(f * (2 - f))

    def q(lat):
        s = np.sin(np.radians(lat))
        return (1 - e * e) * (s / (1 - (e * s) ** 2) + np.arctanh(e * s) / e)

    zone = a * a * np.radians(0.01) / 2 * (q(28.01) - q(28.0))
    assert crs.area_m2(shapely.box(105, 28, 105.01, 28.01)) == pytest.approx(zone, rel=1e-6)
    square = shapely.box(105, 28, 106, 29)
    ring = square.difference(shapely.box(105.2, 28.2, 105.4, 28.4))
    hole = crs.area_m2(shapely.box(105.2, 28.2, 105.4, 28.4))
    assert crs.area_m2(ring) == pytest.approx(crs.area_m2(square) - hole)


def test_mixing_systems_raises():
    a = gpd.GeoDataFrame(geometry=[shapely.Point(0, 0)], crs=4326)
    with pytest.raises(CrsError):
        crs.require_same(a, a.to_crs(4544))
    with pytest.raises(CrsError, match="no coordinate system"):
        crs.to_crs(a.set_crs(None, allow_override=True), "EPSG:4544")


def test_cells_and_centres_are_inverse():
    grid = Grid("EPSG:4544", 1000, 2000, 4, 5, 100)
    cells = np.arange(20)
    np.testing.assert_array_equal(grid.cells_at(*grid.centres(cells)), cells)
    assert grid.cells_at(np.array([999.0, 1501.0]), np.array([1990.0, 1990.0])).tolist() == [-1, -1]


def test_a_grid_too_large_is_refused():
    with pytest.raises(InputError, match="too many"):
        grid_over(shapely.box(0, 0, 1e6, 1e6), "EPSG:4544", 1)


def test_the_embedded_city_is_there():
    assert "luzhou" in embedded_cities()
    city = load_city("luzhou")
    assert city.metric_crs == "EPSG:4544" and city.notice_zh and city.notice_en


def test_an_unknown_city_lists_the_choices(tmp_path):
    with pytest.raises(UnknownNameError, match="luzhou"):
        load_city(tmp_path)


@pytest.mark.parametrize(
    "old, new, message",
    [
        ('id = "gridtown"\n', "", r"\[city\] has no id"),
        ("[1, 2, 5]", "[5, 2]", "ascending"),
        ("[1, 2, 5]", "[]", "ascending"),
        ("[1, 2, 5]", '["x"]', "of the study cannot be"),
        ("[1, 2, 5]", "7", "of the study cannot be"),
        ("EPSG:4544", "EPSG:4326", "not a projected"),
        ('["hospitals"]', '["roads"]', "not a facility"),
        ('["hospitals"]', '["nothing"]', "not a facility"),
        ('"walk", "drive"', '"fly"', "unknown mode"),
        ("cell_m = 100", "cell_m = 0", "above 0"),
    ],
)
def test_a_wrong_profile_says_what_is_wrong(tmp_path, old, new, message):
    folder = write_town(tmp_path)
    assert old in CITY_TOML + STUDY_TOML
    (folder / "city.toml").write_text(CITY_TOML.replace(old, new), "utf-8")
    (folder / "study.toml").write_text(STUDY_TOML.replace(old, new), "utf-8")
    with pytest.raises((InputError, UnknownNameError, CrsError), match=message):
        load_city(folder)


def test_facilities_are_listed():
    with pytest.raises(UnknownNameError, match="hospitals"):
        require_facility("spaceports")


def test_every_extra_column_has_a_name_and_every_layer_a_chapter():
    catalog = load_catalog()
    for kind in catalog.layers.values():
        assert kind.chapter in catalog.chapters
        assert set(kind.columns) <= set(catalog.fields), kind.id
