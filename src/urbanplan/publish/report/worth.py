"""What the report rests on: method, quality of the data, sources, versions."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from urbanplan import __version__
from urbanplan.catalog import QUALITIES, Mode, load_catalog
from urbanplan.publish.report.context import ALL, Context
from urbanplan.publish.report.judged import asked
from urbanplan.publish.report.model import Block, Column, Section, Table, Text
from urbanplan.publish.report.words import clean
from urbanplan.study.keep import inputs_of

if TYPE_CHECKING:
    import pandas as pd

#: Libraries whose version can change a figure or a picture.
_LIBRARIES = (
    "numpy", "pandas", "geopandas", "shapely", "pyproj", "scipy", "numba", "contourpy", "exactextract", "matplotlib",
    "typst", "python-docx", "openpyxl",
)  # fmt: skip
#: Unlocated features and sources that are listed before the rest is counted.
_MOST_UNLOCATED = 120


def method(context: Context) -> Section:
    """How minutes and shares come about."""
    words, plan = context.words, context.results.city.analysis
    ground = words("p_streets") if context.on_streets else words("p_surface", cell=f"{plan.cell_m:g}")  # fmt: skip
    limits = words.listed([f"{m:g}" for m in plan.minutes], 12)
    blocks: list[Block] = [
        Text(ground),
        Text(words("p_limits", limits=limits, snap=f"{plan.snap_m:g}")),
        Text(words("p_people_land" if context.land else "p_people")),
        Text(words("p_free_flow")),
        _speeds(context),
    ]
    clauses = _clauses(context)
    return Section("method", words("h_method"), (*blocks, *([clauses] if clauses else [])))


def _speeds(context: Context) -> Table:
    import pandas as pd

    words = context.words
    rows = []
    for name in context.results.city.analysis.modes:
        mode = load_catalog().mode(name)
        rows.append({"mode": words.named(mode), **_pace(context, mode)})
    keys = [k for k in ("streets", "built_up", "open_land", "roads", "source") if k in rows[0]]
    weights = {"streets": 2.4, "built_up": 1, "open_land": 1, "roads": 1, "source": 2.4}
    columns = (
        Column("mode", words("c_mode"), weight=0.6),
        *(Column(k, words(f"c_{k}_speed" if k != "source" else "c_source"), weight=weights[k]) for k in keys),
    )  # fmt: skip
    return Table("speeds", words("t_speeds"), columns, pd.DataFrame(rows))


def _pace(context: Context, mode: Mode) -> dict[str, str]:
    words = context.words
    if context.on_streets and mode.streets is not None:
        groups: dict[float, list[str]] = {}
        for kind, kmh in mode.streets.kmh.items():
            groups.setdefault(kmh, []).append(kind)
        if len(groups) == 1:
            said = f"{next(iter(groups)):g} km/h"
        else:
            said = words("semicolon").join(f"{kmh:g}: {words.listed(kinds, 4)}" for kmh, kinds in sorted(groups.items(), reverse=True))  # fmt: skip
        return {"streets": said, "source": words.own(mode.streets, "source")}
    roads = words("posted") if isinstance(mode.on_roads, str) else f"{mode.on_roads:g} km/h"
    return {
        "built_up": f"{mode.built_up.speed_kmh:g} km/h ÷ {mode.built_up.detour:g}",
        "open_land": f"{mode.open_land.speed_kmh:g} km/h ÷ {mode.open_land.detour:g}",
        "roads": roads,
        "source": words.own(mode, "source"),
    }


def _clauses(context: Context) -> Table | None:
    words, table = context.words, context.results.indicators
    own = table[table["area"] == ALL].drop_duplicates("indicator")
    if not len(own):
        return None
    rows = list(own.itertuples())
    frame = own[["indicator", "document", "clause", "grade"]].reset_index(drop=True)
    frame["name"] = [words.named(r) for r in rows]
    frame["asked"] = [asked(context, r) for r in rows]
    frame["level_text"] = [words(f"level_{r.level}") for r in rows]
    columns = (
        Column("document", words("c_document"), weight=1.5),
        Column("clause", words("c_clause"), weight=0.9),
        Column("name", words("c_indicator"), weight=2.4),
        Column("asked", words("c_threshold"), "figure"),
        Column("level_text", words("c_level"), weight=0.8),
        Column("grade", words("c_grade")),
    )
    return Table("clauses", words("t_clauses"), columns, frame, words("n_grade"))


def quality(context: Context) -> Section:
    """How well each layer is known, and what is known by name only."""
    words, results = context.words, context.results
    failed = results.checks[results.checks["verdict"] == "fail"]
    blocks: list[Block] = [
        Text(words("p_quality")),
        _layers(context),
        Text(words("p_checks", count=len(results.checks), failed=len(failed))),
    ]
    if len(failed):
        blocks.append(_failed(context, failed))
    unlocated = _unlocated(context)
    if unlocated is not None:
        blocks += [Text(words("p_unlocated")), unlocated]
    outside = _outside(context)
    if outside is not None:
        blocks += [Text(words("p_outside")), outside]
    notes = [words.part(f) for f in results.findings]
    if any(notes):
        blocks.append(Text(words("p_findings")))
        blocks += [Text(n, "point") for n in notes if n]
    return Section("quality", words("h_quality"), tuple(blocks))


def _layers(context: Context) -> Table:
    import pandas as pd

    words, rows = context.words, []
    for layer in context.results.layers.values():
        frame, there = layer.frame, layer.located
        if not len(frame):
            continue
        worst = there["accuracy_m"].astype(float).max() if len(there) else float("nan")
        rows.append(
            {"layer": layer.id, "name": words.named(layer.kind), "features": len(frame), "located": len(there)}
            | {q: int((frame["quality"] == q).sum()) for q in QUALITIES}
            | {"accuracy_m": worst}
        )  # fmt: skip
    columns = (
        Column("name", words("c_layer"), weight=1),
        Column("features", words("c_features"), "number"),
        Column("located", words("c_located"), "number"),
        *(Column(q, context.value("quality", q), "number") for q in QUALITIES),
        Column("accuracy_m", words("c_worst"), "number"),
    )
    return Table("layers", words("t_layers"), columns, pd.DataFrame(rows))


def _outside(context: Context) -> Table | None:
    import pandas as pd

    words, frame = context.words, context.results.outside
    if not len(frame):
        return None
    rows = [
        {
            "layer": words.named(context.results.layers[name].kind),
            "count": len(part),
            "name": words.listed(
                [words.named(one) or clean(one.id) for one in part.itertuples()], 60
            ),
        }
        for name, part in frame.groupby("facilities", sort=False)
    ]
    columns = (
        Column("layer", words("c_layer"), weight=0.8),
        Column("name", words("c_name"), weight=3),
        Column("count", words("c_count"), "number"),
    )
    return Table("outside", words("t_outside"), columns, pd.DataFrame(rows))


def _failed(context: Context, failed: pd.DataFrame) -> Table:
    words = context.words
    columns = (
        Column("check", words("c_check"), weight=2),
        Column("published", words("c_published"), "number"),
        Column("drawn", words("c_drawn"), "number"),
        Column("unit", words("c_unit"), weight=0.7),
    )
    return Table("failed", words("t_failed"), columns, failed.reset_index(drop=True))


def _unlocated(context: Context) -> Table | None:
    import pandas as pd

    # Things of one layer that share status, note and source stand in one row.
    words = context.words
    found: dict[tuple, list[str]] = {}
    for layer in context.results.layers.values():
        if layer.kind.geometry == "none":
            continue
        frame = layer.frame[~layer.frame["id"].isin(layer.located["id"])]
        for one in frame.itertuples():
            note, status = words.pair(one.note_zh, one.note_en), context.value("status", one.status)
            key = (words.named(layer.kind), status, note, clean(one.source))
            found.setdefault(key, []).append(words.named(one) or clean(one.id))
    if not found:
        return None
    rows = [(k[0], words.listed(names, 60), len(names), *k[1:]) for k, names in found.items()]
    frame = pd.DataFrame(rows, columns=["layer", "name", "count", "status", "note", "source"])
    columns = (
        Column("layer", words("c_layer"), weight=0.8),
        Column("name", words("c_name"), weight=1.8),
        Column("count", words("c_count"), "number"),
        Column("status", words("c_status"), weight=0.5),
        Column("note", words("c_note"), weight=1.9),
        Column("source", words("c_source"), weight=2.2),
    )
    rest = frame.iloc[_MOST_UNLOCATED:]["count"].sum()
    note = words("n_more", count=int(rest)) if rest else ""
    return Table("unlocated", words("t_unlocated"), columns, frame.head(_MOST_UNLOCATED), note)


def sources(context: Context) -> Section:
    """Where everything comes from, and on which terms."""
    words = context.words
    blocks: list[Block | None] = [Text(words("p_sources"))]
    if context.on_osm:
        blocks.append(Text(words("p_osm"), "body"))
    blocks += [_origins(context), _licences(context)]
    return Section("sources", words("h_sources"), tuple(b for b in blocks if b is not None))


def _origins(context: Context) -> Table | None:
    import pandas as pd

    words, rows = context.words, []
    for name, one in dict(context.results.city.manifest.get("origins", {})).items():
        one = one if isinstance(one, dict) else {}
        title, get = words.own(one, "title") or clean(name), one.get
        rows.append(
            {
                "title": " ".join(x for x in (title, clean(get("version", ""))) if x),
                "licence": clean(get("licence", "")),
                "used_for": words.own(one, "used_for"),
                "url": clean(get("url", "")),
            }
        )
    if not rows:
        return None
    columns = (
        Column("title", words("c_origin"), weight=2),
        Column("licence", words("c_licence"), weight=1),
        Column("used_for", words("c_used_for"), weight=1.8),
        Column("url", words("c_url"), weight=1.4),
    )
    return Table("origins", words("t_origins"), columns, pd.DataFrame(rows))


def _licences(context: Context) -> Table:
    import pandas as pd

    words, rows = context.words, []
    for layer in context.results.layers.values():
        frame = layer.frame
        if not len(frame):
            continue
        said = {c: sorted({clean(v) for v in frame[c].dropna()} - {""}) for c in ("source", "licence", "as_of")}  # fmt: skip
        rows.append(
            {
                "layer": layer.id,
                "name": words.named(layer.kind),
                "sources": words("semicolon").join(said["source"]),
                "licences": words("semicolon").join(said["licence"]),
                "as_of": max(said["as_of"], default=""),
            }
        )
    columns = (
        Column("name", words("c_layer"), weight=0.9),
        Column("sources", words("c_sources"), weight=3.4),
        Column("licences", words("c_licence"), weight=1.1),
        Column("as_of", words("c_as_of"), weight=0.6),
    )
    return Table("sources", words("t_sources"), columns, pd.DataFrame(rows))


def versions(context: Context) -> Section:
    """With what the report was made, and from which bytes."""
    import pandas as pd

    words, results = context.words, context.results
    made = {"urbanplan": __version__, "Python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            made[name] = version(name)
        except PackageNotFoundError:
            continue
    blocks = (
        Text(words("p_versions")),
        Text(words.listed([f"{k} {v}" for k, v in made.items()], 40)),
        Table(
            "inputs",
            words("t_inputs"),
            (Column("file", words("c_file"), weight=1), Column("sha256", "SHA-256", "code")),
            pd.DataFrame(sorted(inputs_of(results.city, results.layers).items()), columns=["file", "sha256"]),
        ),
    )  # fmt: skip
    return Section("versions", words("h_versions"), blocks)
