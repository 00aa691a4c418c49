"""All layers and results of a run as tables of a PostGIS database."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from urbanplan import __version__, servers
from urbanplan.base.crs import CGCS2000, to_crs
from urbanplan.errors import CrsError
from urbanplan.output.metadata import About, about_of
from urbanplan.output.style import tables_of, titles_of, types_of
from urbanplan.study import Results
from urbanplan.study.run import inputs_of

if TYPE_CHECKING:
    import pandas as pd

#: Tables that say where the others come from.
RUN, INPUTS = "_run", "_run_inputs"
#: Columns of layers that people ask by, one at a time, and of results, together.
_BY = ("district", "status", "quality", "kind")
_BY_RESULT = ("facilities", "mode", "minutes", "scenario")
#: So many sources are named in a comment; the rows name them all.
_SOURCES = 5
_WORDS = {
    "geometry": "几何 / Geometry",
    "fid": "行号 / Number of the row",
    "block": "网格编号 / Number of the square",
    "urbanplan": "软件版本 / Version of urbanplan",
    "city": "城市 / City",
    "notice_zh": "使用须知 / What it must not be taken for",
    "notice_en": "使用须知（英文） / What it must not be taken for",
    "findings": "数据说明 / What the reader must know",
    "headline_zh": "首要指标 / Headline",
    "headline_en": "首要指标（英文） / Headline",
    "headline_facilities": "首要指标的设施 / Facilities of the headline",
    "headline_mode": "首要指标的方式 / Mode of the headline",
    "headline_minutes": "首要指标的时限（分钟） / Limit of the headline (min)",
    "crs": "坐标系 / Coordinate system",
    "loaded_at": "入库时间 / When it was loaded",
    "input": "图层或文件 / Layer or file",
    "sha256": "文件的 SHA-256 / SHA-256 of the file",
}


def write(
    results: Results,
    dsn: str | servers.Dsn,
    schema: str,
    *,
    readers: str | None = None,
    crs: str = CGCS2000,
    max_seconds: float = servers.MAX_SECONDS,
) -> dict[str, int]:
    """Put every layer and result, with views of them, into one schema, in one transaction.

    Parameters
    ----------
    results : Results
    dsn : str or Dsn
        See `urbanplan.servers.parse_dsn`.
    schema : str
        Made if it is missing. Only tables that the last call left are replaced; a schema of
        another city, or with tables of others in the way, is refused.
    readers : str, optional
        A role, made if it is missing, that may read all of it and do nothing more.
    crs : str
        System of the coordinates; see `urbanplan.output.formats.write_package` about the default.
    max_seconds : float
        What one step may take.

    Returns
    -------
    dict of str to int
        Rows by table.

    Raises
    ------
    CrsError
        If the system has no EPSG code.
    InputError, BusyError, WebError, WriteError
        See `urbanplan.servers.replace`; what was there is still there.
    """
    city, frames, srid = results.city, tables_of(results), _srid(crs)
    tables, crs = _tables(results, frames, srid), f"EPSG:{srid}"
    tables += _origins(results, crs)
    return servers.replace(
        dsn,
        schema,
        tables,
        _views(results, frames),
        owner=city.id,
        about=f"{city.name_zh} / {city.name_en}\n{city.notice_zh}\n{city.notice_en}".strip(),
        readers=readers,
        max_seconds=max_seconds,
    )


def _srid(crs: str) -> int:
    from pyproj import CRS
    from pyproj.exceptions import CRSError as ProjError

    try:
        code = CRS.from_user_input(crs).to_epsg()
    except ProjError:
        code = None
    if code is None:
        raise CrsError(f"'{crs}' has no EPSG code", remedy="name a system that has, e.g. EPSG:4490")
    return code


def _tables(results: Results, frames: dict[str, pd.DataFrame], srid: int) -> list[servers.Table]:
    types, crs = types_of(results), f"EPSG:{srid}"
    abouts, names, found = about_of(results, crs), _names(results), []
    for name, frame in frames.items():
        layer, shape = results.layers.get(name), None
        if name in types:
            shape = servers.Shape(types[name], srid)
            # WGS84 and CGCS2000 differ by less than any layer is accurate: only the name changes.
            frame = to_crs(frame.set_crs(CGCS2000, allow_override=True), crs)
        units = {c: unit for c, unit in layer.kind.columns.items() if unit} if layer else {}
        together = tuple(c for c in _BY_RESULT if c in frame)
        table = servers.Table(
            name,
            frame,
            shape,
            _comment(abouts[name]),
            {c: _with_unit(text, units.get(c, "")) for c, text in names.items()},
            [(c,) for c in _BY if c in frame] if layer else [together][: len(together) > 1],
            numbers=("accuracy_m", *units),
        )
        found.append(table)
    return found


def _comment(about: About) -> str:
    """What a table is and what it is worth, as people read it beside its name."""
    sources = "; ".join(about.lineage[:_SOURCES])
    if len(about.lineage) > _SOURCES:
        sources += f" … ({len(about.lineage)})"
    accuracy = "" if about.accuracy_m is None else f"± {about.accuracy_m:g} m"
    said = {
        "来源 Source": sources,
        "许可 Licence": "; ".join(about.licences),
        "质量 Quality": about.quality,
        "精度 Accuracy": accuracy,
        "日期 As of": about.date,
        "坐标系 System": about.crs if about.extent else "",
        "须知 Notice": about.notice,
    }
    lines = [f"{about.title_zh} / {about.title_en}"]
    return "\n".join(lines + [f"{what}: {text}" for what, text in said.items() if text])


def _names(results: Results) -> dict[str, str]:
    """What each column is called, in both languages."""
    return {c: f"{zh} / {en}" for c, (zh, en) in titles_of(results).items()} | _WORDS


def _with_unit(text: str, unit: str) -> str:
    return text if unit in text else f"{text} ({unit})"


def _origins(results: Results, crs: str) -> list[servers.Table]:
    """Where all of it comes from; no clock but the server's."""
    import pandas as pd

    city, plan = results.city, results.city.analysis
    run = pd.DataFrame(
        [
            {
                "city": city.id,
                "name_zh": city.name_zh,
                "name_en": city.name_en,
                "urbanplan": __version__,
                "headline_zh": plan.headline_zh,
                "headline_en": plan.headline_en,
                "headline_facilities": plan.headline_facilities,
                "headline_mode": plan.headline_mode,
                "headline_minutes": plan.headline_minutes,
                "crs": crs,
                "findings": "\n".join(results.findings),
                "notice_zh": city.notice_zh,
                "notice_en": city.notice_en,
            }
        ]
    )
    inputs = inputs_of(city, results.layers)
    read = pd.DataFrame({"input": list(inputs), "sha256": list(inputs.values())})
    names = _names(results)
    return [
        servers.Table(RUN, run, None, "本次计算 / The run", names, stamps=("loaded_at",)),
        servers.Table(INPUTS, read, None, "输入文件 / What it was computed from", names),
    ]


_QUALITY = """
SELECT {name}::text AS layer, quality::text AS quality, licence::text AS licence,
count(*) AS features, {placed} AS located, max(accuracy_m::float8) AS accuracy_m
FROM {table} GROUP BY 2, 3"""
_UNLOCATED = """
SELECT {name}::text AS layer, id::text AS id, name_zh::text AS name_zh, name_en::text AS name_en,
kind::text AS kind, district::text AS district, status::text AS status, source::text AS source,
note_zh::text AS note_zh, note_en::text AS note_en FROM {table} WHERE geometry IS NULL"""
_HEADLINE = """
SELECT c.*, r.headline_zh, r.headline_en FROM {coverage} c JOIN {run} r
ON (c.facilities, c.mode, c.minutes) = (r.headline_facilities, r.headline_mode, r.headline_minutes)
"""
_GAPS = """
SELECT mode, area AS district, count(*) AS clusters, sum(persons) AS persons, sum(km2) AS km2,
max(nearest_min) AS farthest_min FROM {gaps} GROUP BY mode, area"""


def _views(results: Results, frames: dict[str, pd.DataFrame]) -> list[servers.View]:
    layers = [n for n in frames if n in results.layers]
    placed = [n for n in layers if "geometry" in frames[n]]
    plan = results.city.analysis

    def each(names: list[str], sql: str, at: Callable[[str], str]) -> str:
        count = {n: "count(geometry)" if n in placed else "0::bigint" for n in names}
        return " UNION ALL ".join(
            sql.format(name=servers.literal(n), table=at(n), placed=count[n]) for n in names
        )

    views = [
        servers.View(
            "v_quality",
            lambda at: each(layers, _QUALITY, at),
            "各图层数据质量 / Quality and licence by layer",
        ),
        servers.View(
            "v_unlocated",
            lambda at: each(placed, _UNLOCATED, at),
            "已公布、位置未公布 / Published without a location: listed here, counted nowhere",
        ),
        servers.View(
            "v_gaps_by_district",
            lambda at: _GAPS.format(gaps=at("result_gaps")),
            "各区未覆盖人口 / People out of reach, by mode and district",
        ),
    ]
    if "result_coverage" in frames:
        views.append(
            servers.View(
                "v_headline",
                lambda at: _HEADLINE.format(coverage=at("result_coverage"), run=at(RUN)),
                f"{plan.headline_zh} / {plan.headline_en}",
            )
        )
    return views
