"""Run by Debian's Python, which has QGIS: opens a project and tells all about it as JSON.

python3 qgis_probe.py PROJECT FOLDER
"""

import json
import sys

import numpy as np
from qgis.core import (
    QgsApplication,
    QgsCoordinateTransform,
    QgsLayoutExporter,
    QgsMapRendererSequentialJob,
    QgsMapSettings,
    QgsProject,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor, QImage

app = QgsApplication([], False)
app.initQgis()
said = []
QgsApplication.messageLog().messageReceived.connect(lambda m, t, level: said.append([t, level, m]))
path, folder = sys.argv[1:3]
project = QgsProject.instance()
out = {"read": project.read(path), "error": project.error()}


def picture(layers, extent, crs, size=500):
    """The pixels of a rendered map."""
    settings = QgsMapSettings()
    settings.setLayers(layers)
    settings.setDestinationCrs(crs)
    settings.setOutputSize(QSize(size, size))
    settings.setBackgroundColor(QColor("white"))
    settings.setExtent(extent)
    settings.setOutputDpi(96)
    job = QgsMapRendererSequentialJob(settings)
    job.start()
    job.waitForFinished()
    image = job.renderedImage().convertToFormat(QImage.Format_RGB32)
    bits = image.constBits()
    bits.setsize(image.sizeInBytes())
    return np.frombuffer(bits, np.uint32).copy()


def differ(a, b):
    return int((a != b).sum())


def fields_of(layer):
    rows = {}
    for i, field in enumerate(layer.fields()):
        widget = layer.editorWidgetSetup(i)
        values = widget.config().get("map") if widget.type() == "ValueMap" else None
        rows[field.name()] = [layer.attributeAlias(i), values]
    return rows


def rules_of(layer):
    """Which rules draw something where their features lie, one at a time."""
    found = {}
    root = layer.renderer().rootRule()
    crs = project.crs()
    turn = QgsCoordinateTransform(layer.crs(), crs, project)
    for rule in root.children():
        for other in root.children():
            other.setActive(other is rule)
        box = None
        for feature in layer.getFeatures(rule.filterExpression()):
            if feature.hasGeometry():
                box = feature.geometry().boundingBox()
                break
        if box is None:
            found[rule.label()] = [0, rule.filterExpression()]
            continue
        box = turn.transformBoundingBox(box)
        box.grow(max(box.width(), box.height(), 200) * 0.2)
        pixels = picture([layer], box, crs, size=120)
        found[rule.label()] = [len(np.unique(pixels)), rule.filterExpression()]
    for rule in root.children():
        rule.setActive(True)
    return found


def labels_seen(layer):
    """Pixels that change when the names are written."""
    if not layer.labelsEnabled() or layer.labeling() is None:
        return None
    settings = layer.labeling().settings()
    crs = project.crs()
    turn = QgsCoordinateTransform(layer.crs(), crs, project)
    places = [f.geometry() for f in layer.getFeatures() if f.hasGeometry()]
    if not places:
        return None
    place = places[0]
    centre = turn.transformBoundingBox(place.boundingBox()).center()
    # A map at half the denominator from which names are shown.
    metres = settings.minimumScale * 0.5 * 500 * 0.0254 / 96
    half = metres / 2
    box = QgsRectangle(centre.x() - half, centre.y() - half, centre.x() + half, centre.y() + half)
    with_names = picture([layer], box, crs)
    layer.setLabelsEnabled(False)
    without = picture([layer], box, crs)
    layer.setLabelsEnabled(True)
    return [settings.fieldName, differ(with_names, without), settings.minimumScale]


layers = {}
for key, layer in project.mapLayers().items():
    row = {
        "name": layer.name(),
        "valid": layer.isValid(),
        "crs": layer.crs().authid(),
        "source": layer.source(),
    }
    if isinstance(layer, QgsVectorLayer):
        meta = layer.metadata()
        row.update(
            count=layer.featureCount(), fields=fields_of(layer), renderer=layer.renderer().type() if layer.renderer() else None,
            title=meta.title(), licences=meta.licenses(), history=meta.history(), rights=meta.rights(),
            extent=[layer.extent().xMinimum(), layer.extent().yMinimum(), layer.extent().xMaximum(), layer.extent().yMaximum()],
        )  # fmt: skip
        if layer.isSpatial() and layer.featureCount() and "--quick" not in sys.argv:
            row["rules"] = rules_of(layer)
            row["labels"] = labels_seen(layer)
    layers[key] = row
out["layers"] = layers
out["crs"], out["ellipsoid"], out["title"] = (
    project.crs().authid(),
    project.ellipsoid(),
    project.title(),
)
out["groups"] = {
    g.name(): [c.name() for c in g.children()] for g in project.layerTreeRoot().children()
}
out["shown"] = [x.layerId() for x in project.layerTreeRoot().findLayers() if x.isVisible()]
themes = project.mapThemeCollection()
out["themes"] = {}
for name in themes.mapThemes():
    visible = themes.mapThemeVisibleLayers(name)
    record = themes.mapThemeState(name)
    checked = {
        r.layer().id(): sorted(r.checkedLegendItems) for r in record.layerRecords() if r.layer()
    }
    out["themes"][name] = [[x.id() for x in visible], checked]
out["bookmarks"] = [
    [b.name(), b.extent().crs().authid()] for b in project.bookmarkManager().bookmarks()
]
out["macros"] = project.readEntry("Macros", "/pythonCode")[0]
out["absolute"] = project.readBoolEntry("Paths", "/Absolute")[0]
out["layouts"] = {}
for layout in project.layoutManager().printLayouts():
    exporter, atlas = QgsLayoutExporter(layout), layout.atlas()
    stem = f"{folder}/{'atlas' if atlas.enabled() else 'sheet'}"
    pages = []
    if atlas.enabled():
        atlas.updateFeatures()
        pages = [atlas.nameForPage(i) for i in range(atlas.count())]
        code, _ = QgsLayoutExporter.exportToPdf(
            atlas, stem + ".pdf", QgsLayoutExporter.PdfExportSettings()
        )
        atlas.beginRender()
        atlas.first()
    else:
        code = exporter.exportToPdf(stem + ".pdf", QgsLayoutExporter.PdfExportSettings())
    image = QgsLayoutExporter.ImageExportSettings()
    image.dpi, image.generateWorldFile = 90, False
    drawn = exporter.exportToImage(stem + ".png", image)
    size = layout.pageCollection().page(0).pageSize()
    items = sorted(
        type(i).__name__ for i in layout.items() if type(i).__name__.startswith("QgsLayoutItem")
    )
    out["layouts"][layout.name()] = {
        "pdf": code,
        "png": drawn,
        "pages": pages,
        "size": [size.width(), size.height()],
        "items": items,
    }
out["said"] = said
print("RESULT" + json.dumps(out, default=str))
