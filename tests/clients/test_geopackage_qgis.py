"""The GeoPackage and the raster in real clients: QGIS (its own Python) and GDAL's tools."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from patience import PATIENCE_S

pytestmark = pytest.mark.client

#: Run by Debian's Python, which has QGIS; prints one JSON object per layer.
PROBE = """
import json, sys
from qgis.core import QgsApplication, QgsVectorLayer, QgsRasterLayer, QgsMapSettings, QgsMapRendererSequentialJob, QgsProviderRegistry
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor
app = QgsApplication([], False); app.initQgis()
gpkg, tif, png = sys.argv[1:4]
meta = QgsProviderRegistry.instance().providerMetadata("ogr")
names = [d.name() for d in meta.querySublayers(gpkg)]
out, drawn = {}, []
for name in names:
    layer = QgsVectorLayer(f"{gpkg}|layername={name}", name, "ogr")
    row = dict(valid=layer.isValid(), count=layer.featureCount(), crs=layer.crs().authid(), spatial=layer.isSpatial(), fields=[f.name() for f in layer.fields()])
    fields = layer.fields()
    if fields.indexOf("name_zh") >= 0:
        row["names"] = [f["name_zh"] for f in layer.getFeatures()]
    if layer.isSpatial():
        row["broken"] = sum(1 for f in layer.getFeatures() if f.hasGeometry() and not f.geometry().isGeosValid())
        if name in ("districts", "water", "roads", "bridges", "parks"): drawn.append(layer)
    out[name] = row
raster = QgsRasterLayer(tif, "minutes")
out["raster"] = dict(valid=raster.isValid(), bands=raster.bandCount(), crs=raster.crs().authid())
s = QgsMapSettings(); s.setLayers(drawn); s.setOutputSize(QSize(800, 800)); s.setBackgroundColor(QColor("white"))
s.setExtent(drawn[0].extent())
job = QgsMapRendererSequentialJob(s); job.start(); job.waitForFinished()
image = job.renderedImage(); image.save(png)
out["colours"] = len({image.pixel(x, y) for x in range(0, 800, 4) for y in range(0, 800, 4)})
print("RESULT" + json.dumps(out))
"""


@pytest.fixture(scope="module")
def seen(atlas, tmp_path_factory):
    written = atlas[2]
    probe = tmp_path_factory.mktemp("qgis") / "probe.py"
    probe.write_text(PROBE, "utf-8")
    done = subprocess.run(
        ["/usr/bin/python3", str(probe), str(written["geopackage"]), str(written["raster"]), str(probe.parent / "map.png")],
        capture_output=True, text=True, timeout=PATIENCE_S,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": "", "HOME": str(probe.parent)},
    )  # fmt: skip
    assert "RESULT" in done.stdout, done.stderr[-2000:]
    assert "partially supported" not in done.stderr
    return json.loads(done.stdout.split("RESULT")[1])


def test_qgis_finds_every_layer_valid_and_complete(seen, atlas):
    results = atlas[0]
    for name, layer in results.layers.items():
        row = seen[name]
        assert row["valid"] and row["count"] == len(layer.frame), name
        assert row["names"] == list(layer.frame["name_zh"]), name
        if layer.kind.geometry != "none":
            assert row["spatial"] and row["crs"] == "EPSG:4490" and row["broken"] == 0, name
        assert {"quality", "accuracy_m", "source", "licence", "status", "as_of"} <= set(
            row["fields"]
        )


def test_qgis_finds_the_results(seen, atlas):
    results = atlas[0]
    assert seen["result_bands"]["count"] == len(results.bands)
    assert seen["result_isochrones"]["count"] == len(results.isochrones)
    assert seen["result_demand"]["count"] == len(results.demand)
    assert seen["result_coverage"]["count"] == len(results.coverage)
    assert seen["result_checks"]["count"] == len(results.checks)
    assert seen["raster"] == {"valid": True, "bands": len(results.minutes), "crs": "EPSG:4544"}


def test_qgis_draws_a_map(seen):
    assert seen["colours"] > 5


def test_gdal_reads_both_files(atlas):
    written = atlas[2]
    listing = subprocess.run(
        ["ogrinfo", "-ro", "-q", str(written["geopackage"])],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "districts" in listing.stdout and not listing.stderr.strip()
    info = subprocess.run(
        ["gdalinfo", "-json", str(written["raster"])], capture_output=True, text=True, check=True
    )
    meta = json.loads(info.stdout)
    assert (
        meta["metadata"]["IMAGE_STRUCTURE"]["LAYOUT"] == "COG"
        and meta["bands"][0]["noDataValue"] == "NaN"
    )
