"""A page as one file: its options, its packed values, its parts."""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from urbanplan import __version__
from urbanplan.catalog import COMMON_COLUMNS, load_catalog
from urbanplan.errors import InputError, UrbanplanError, one_of
from urbanplan.files import read_text

#: Languages that a page opens in; ``both`` opens in Chinese and can be switched.
LANGUAGES = ("both", "zh", "en")
#: Named base maps: the XYZ templates that lie on one another. Tianditu's are those of its
#: published WMTS service in Web Mercator (vector map, and its Chinese names).
BASEMAPS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "tianditu": tuple(
            f"https://t{{s}}.tianditu.gov.cn/{name}_w/wmts?SERVICE=WMTS&REQUEST=GetTile"
            f"&VERSION=1.0.0&LAYER={name}&STYLE=default&TILEMATRIXSET=w&FORMAT=tiles"
            "&TILEMATRIX={z}&TILEROW={y}&TILECOL={x}&tk=KEY"
            for name in ("vec", "cva")
        ),
        "osm": ("https://tile.openstreetmap.org/{z}/{x}/{y}.png",),
    }
)
#: What every output shows of a feature; hiding it would hide how well it is known.
_NEVER_HIDDEN = frozenset({"id", "status", "quality", "accuracy_m", "source", "licence", "as_of"})


@dataclass(frozen=True)
class Options:
    """How a page is made.

    Attributes
    ----------
    title : str, optional
        Instead of the city's name.
    lang : {'both', 'zh', 'en'}
        The language that the page opens in; with ``both`` the reader can switch.
    layers : tuple of str, optional
        Input layers (or frames, by name) to draw; all by default. Results stay.
    redact : tuple of str
        Columns that must not be in the file at all.
    min_persons : int
        Counts of people below it, and counts that leave fewer than it out, are not shown.
    approval : str, optional
        The map approval number (审图号). Without one the page says 仅供内部使用 / internal use only.
    basemap : str, optional
        ``tianditu``, ``osm`` or an XYZ template; the reader may switch it on.
    key : str, optional
        The reader's own key for Tianditu; it stands in the file.

    Raises
    ------
    InputError
        If a value can not be one.
    """

    title: str | None = None
    lang: str = "both"
    layers: tuple[str, ...] | None = None
    redact: tuple[str, ...] = ()
    min_persons: int = 0
    approval: str | None = None
    basemap: str | None = None
    key: str | None = None

    def __post_init__(self) -> None:
        """Refuse what no page can be made with."""
        if self.lang not in LANGUAGES:
            raise InputError(f"no language '{self.lang}'", remedy=f"one of {', '.join(LANGUAGES)}")
        for column in self.redact:
            if column in _NEVER_HIDDEN:
                raise InputError(
                    f"column '{column}' can not be left out: every output shows how well a feature is known",
                    remedy="leave out other columns, or the whole layer with --layers",
                )
        if self.min_persons < 0:
            raise InputError(f"{self.min_persons} people is no least count", remedy="0 or more")
        _ = self.tiles

    def require_known(self) -> None:
        """Raise `UrbanplanError` where a layer or column is named that no city's run has."""
        catalog = load_catalog()
        for name in self.layers or ():
            catalog.layer(name)
        known = {*COMMON_COLUMNS, *catalog.fields}
        for column in self.redact:
            if column not in known:
                raise InputError(
                    f"no layer has a column '{column}'",
                    remedy=one_of(column, sorted(known - _NEVER_HIDDEN)),
                )

    @property
    def tiles(self) -> tuple[str, ...]:
        """XYZ templates of the base map, lowest first; empty without one."""
        if self.basemap is None:
            return ()
        if self.basemap == "tianditu":
            if not re.fullmatch(r"[0-9A-Za-z]{16,64}", self.key or ""):
                raise InputError(
                    "Tianditu needs your own key of 16 to 64 letters and figures",
                    remedy="--key KEY, from console.tianditu.gov.cn",
                )
            return tuple(t.replace("tk=KEY", f"tk={self.key}") for t in BASEMAPS["tianditu"])
        return BASEMAPS.get(self.basemap) or (_template(self.basemap),)


def _template(text: str) -> str:
    fields = re.findall(r"{([^{}]*)}", text)
    known = {"z", "x", "y"} <= set(fields) <= {"z", "x", "y", "s", "r"} and text.count("{") == len(
        fields
    )
    # A sub-domain may be left open, never the host: the policy would allow every one.
    word = "[A-Za-z0-9-]"
    host = rf"(?:{word}*{{s}}{word}*\.(?=[^/.]+\.))?{word}+(?:\.{word}+)*(?::[0-9]{{1,5}})?"
    path = r"[^\s\"'<>;\\\x00-\x1f\x7f]*"
    if not re.fullmatch(rf"https?://{host}/{path}", text) or not known:
        raise InputError(
            f"basemap '{text}' is not an http(s) address with {{z}}, {{x}} and {{y}}",
            remedy=f"{', '.join(BASEMAPS)}, or e.g. https://tiles.example.cn/{{z}}/{{x}}/{{y}}.png",
        )
    return text


#: GeoJSON types by the number that stands for them.
TYPES = ("Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon")
#: How many lists lie around a position in each type's coordinates.
_DEPTH = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}  # fmt: skip


def pack(values: dict[str, Any]) -> str:
    """The values of a page as base64 text, for `decode.js` to unpack.

    Parameters
    ----------
    values : dict
        JSON values; each of ``values["layers"]`` has ``features`` with the same properties
        throughout, and ``decimals`` of a degree to which their coordinates are rounded.

    Returns
    -------
    str
        Letters, figures, ``+``, ``/`` and ``=`` only.
    """
    layers = [_packed(layer) for layer in values["layers"]]
    text = json.dumps(
        {**values, "layers": layers}, ensure_ascii=False, allow_nan=False, separators=(",", ":")
    )
    # No time stamp: the same values give the same bytes. Half a letter stays what it is to JSON.
    return base64.b64encode(
        gzip.compress(text.encode("utf-8", "backslashreplace"), 9, mtime=0)
    ).decode()


def _packed(layer: dict[str, Any]) -> dict[str, Any]:
    features = layer["features"]
    columns = list(features[0]["properties"]) if features else []
    whole: list[int] = []
    last = np.zeros(2, dtype=np.int64)
    for feature in features:
        shape = feature["geometry"]
        whole.append(TYPES.index(shape["type"]))
        last = _flat(
            shape["coordinates"], _DEPTH[shape["type"]], 10 ** layer["decimals"], last, whole
        )
    return {
        **{k: v for k, v in layer.items() if k != "features"},
        "columns": columns,
        # One list per column: like values side by side compress well.
        "values": [[f["properties"][c] for f in features] for c in columns],
        "shapes": whole,
    }


def _flat(nested: list, depth: int, scale: int, last: np.ndarray, out: list[int]) -> np.ndarray:
    if depth > 1:
        out.append(len(nested))
        for inner in nested:
            last = _flat(inner, depth - 1, scale, last, out)
        return last
    if depth == 1:
        out.append(len(nested))
    at = np.rint(np.atleast_2d(np.asarray(nested, dtype=float))[:, :2] * scale).astype(np.int64)
    out.extend(np.diff(at, axis=0, prepend=last[None]).ravel().tolist())
    return at[-1]


ASSETS = Path(__file__).parents[1] / "assets"

#: The page's own script, in the order in which its parts build on one another.
_SCRIPTS = (
    "text.js",
    "decode.js",
    "tiles.js",
    "draw.js",
    "panels.js",
    "scenarios.js",
    "plan.js",
    "tools.js",
    "atlas.js",
)
#: What marks the block of data, which no browser runs.
_DATA_BLOCK = {"type": "application/json", "id": "atlas-data"}
#: Anything in the finished page that would be fetched from somewhere else.
_FETCHED = re.compile(
    r"""<(?:script|link|img|iframe|source|object|embed|video|audio|image|use|base|form)\b[^>]*?"""
    r"""\b(?:src|srcset|href|data|poster|action)\s*=\s*(?!["']?(?:data:|\#))["']?[^\s"'>]"""
    r"""|@import\b|url\(\s*["']?(?!data:|\#)[^)"']+""",
    re.IGNORECASE,
)


def render(content: dict[str, Any], tiles: tuple[str, ...] = ()) -> str:
    """The finished page as text.

    Parameters
    ----------
    content : dict
        From `urbanplan.output.page.content.content`.
    tiles : tuple of str, optional
        XYZ templates of a base map, lowest first.

    Raises
    ------
    UrbanplanError
        If the page would refer to what is not bundled, or would hold a script that is not ours.

    Notes
    -----
    No value passes a template engine, and none stands in a script: all of them are in one block
    that is packed to letters and figures, but for the title, which is escaped.
    """
    # The policy names our scripts by their hash before anything of the data is near.
    scripts = [_script("leaflet.js"), _own_script()]
    policy = _policy(scripts, tiles)
    first = content["first"] if content["lang"] == "both" else content["lang"]
    names = [content["city"][lang] for lang in sorted(("zh", "en"), key=lambda x: x != first)]
    title = " · ".join(dict.fromkeys(names))
    page = "\n".join(
        (
            "<!DOCTYPE html>",
            f'<html lang="{"zh-CN" if first == "zh" else "en"}">',
            "<head>",
            '<meta http-equiv="content-type" content="text/html; charset=UTF-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{html.escape(policy, quote=False)}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1.0">',
            f"<title>{html.escape(title)}</title>",
            f"<style>{_style('leaflet.css')}\n{_style('atlas.css')}</style>",
            f"<script>{scripts[0]}</script>",
            "</head>",
            "<body>",
            # The class is what people's own styles and scripts know the map by.
            '<div id="map" class="folium-map"></div>',
            read_text(ASSETS / "atlas.html"),
            f'<script type="application/json" id="atlas-data">{_block(content, tiles)}</script>',
            f"<script>{scripts[1]}</script>",
            "</body>",
            "</html>",
            "",
        )
    )
    _require_bundled(page)
    _require_own_scripts(page, scripts)
    return page


def _own_script() -> str:
    return "\n".join([*(_script(name) for name in _SCRIPTS), "urbanplanAtlas();"])


def _block(content: dict[str, Any], tiles: tuple[str, ...]) -> str:
    # A quoted word of letters and figures: nothing in it can open or close a tag.
    west, south, east, north = content["view"]
    values = {k: v for k, v in content.items() if k != "view"}
    values |= {"version": __version__, "bounds": [[south, west], [north, east]]}
    # Hosts that are numbered go from 0 to 7 at Tianditu; others are Leaflet's a, b, c.
    values["tiles"] = [
        {"url": t, "host": _host(t), "hosts": "01234567" if "tianditu" in t else "abc"}
        for t in tiles
    ]
    return f'"{pack(values)}"'


def _script(name: str) -> str:
    text = read_text(ASSETS / name).replace("</script", "<\\/script")
    return re.sub(r"//# sourceMappingURL=\S+", "", text)


def _style(name: str) -> str:
    # Leaflet's pictures belong to controls and markers that the page does not use.
    return re.sub(r"url\(\s*[\"']?(?!data:)[^)]*\)", "none", read_text(ASSETS / name))


def leaflet() -> str:
    """The bundled map library as markup: its style and its script."""
    return f"<style>{_style('leaflet.css')}</style>\n<script>{_script('leaflet.js')}</script>"


def _host(template: str) -> str:
    return re.sub(r"^[^.]*{s}[^.]*\.", "", template.split("/")[2])


def _policy(scripts: list[str], tiles: tuple[str, ...]) -> str:
    """The Content-Security-Policy of a page with these scripts and no other."""
    digests = [hashlib.sha256(script.encode()).digest() for script in scripts]
    hashes = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    hosts = set()
    for template in tiles:
        scheme, host = template.split("://")[0], template.split("://")[1].split("/")[0]
        # A sub-domain placeholder becomes the policy's wildcard for one level.
        hosts.add(f" {scheme}://{re.sub(r'^[^.]*{s}[^.]*', '*', host)}")
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; "
        f"img-src data:{''.join(sorted(hosts))}; connect-src 'none'; base-uri 'none'; form-action 'none'"
    )


class _Scripts(HTMLParser):
    """The text of every script of a page that would run, as a browser finds them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.found: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A script begins, or anything else."""
        self._inside = tag == "script" and dict(attrs) != _DATA_BLOCK
        if self._inside:
            self.found.append("")

    def handle_endtag(self, tag: str) -> None:
        """Whatever began has ended."""
        self._inside = False

    def handle_data(self, data: str) -> None:
        """Text of a script, or of anything else."""
        if self._inside:
            self.found[-1] += data


def _require_own_scripts(page: str, scripts: list[str]) -> None:
    parser = _Scripts()
    parser.feed(page)
    parser.close()
    if parser.found != scripts:
        raise UrbanplanError(
            f"the page would hold {len(parser.found)} scripts that are not the {len(scripts)} of urbanplan",
            remedy="report this: it is a flaw of urbanplan",
        )


def _without_text(element: re.Match) -> str:
    return element.group().split(">", 1)[0] + ">"


def _require_bundled(page: str) -> None:
    # Data block and title are text, whatever they look like; only markup and style can fetch.
    markup = re.sub(r"<(script|title)\b[^>]*>.*?</\1>", _without_text, page, flags=re.DOTALL)
    found = _FETCHED.search(markup)
    if found:
        raise UrbanplanError(
            f"the page would fetch {found.group()[:120]}", remedy="bundle it in publish/assets"
        )
