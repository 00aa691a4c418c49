"""The page around the content: folium map, bundled assets, Content-Security-Policy."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbanplan import __version__
from urbanplan.errors import UrbanplanError
from urbanplan.files import read_text
from urbanplan.publish.html.pack import pack

if TYPE_CHECKING:
    import folium

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
        From `urbanplan.publish.html.content.content`.
    tiles : tuple of str, optional
        XYZ templates of a base map, lowest first.
    """
    plain = _folium_page(dict(content), tiles)
    head, rest = plain.split("</head>", 1)
    title = f"{content['city']['zh']} · {content['city']['en']}"
    page = (
        # Readers may enlarge the page: folium's viewport forbids it.
        re.sub(r",\s*maximum-scale=1\.0, user-scalable=no", "", head).replace(
            "<html>", '<html lang="zh-CN">', 1
        )
        + f"<title>{html.escape(title)}</title>\n"
        + f"<style>{_style('leaflet.css')}\n{_style('atlas.css')}</style>\n"
        + f"<script>{_script('leaflet.js')}</script>\n"
        + "</head>"
        + rest
    )
    page = _with_policy(page, tiles)
    _require_bundled(page)
    return page


def _folium_page(content: dict[str, Any], tiles: tuple[str, ...]) -> str:
    import folium
    from branca.element import Element, MacroElement
    from jinja2 import Template

    west, south, east, north = content.pop("view")
    bounds = [[south, west], [north, east]]
    view = folium.Map(tiles=None, zoom_control=False, prefer_canvas=False, font_size="1rem")
    # folium's own assets live on other hosts; Leaflet is bundled, the rest is not used.
    view.default_js, view.default_css = [], []
    groups = {}
    if tiles:
        groups["basemap"] = folium.FeatureGroup(name="", show=False, control=False).add_to(view)
    for template in tiles:
        # Hosts that are numbered go from 0 to 7 at Tianditu; others are Leaflet's a, b, c.
        hosts = "01234567" if "tianditu" in template else "abc"
        shown = folium.TileLayer(tiles=template, attr=_host(template), subdomains=hosts)
        shown.add_to(groups["basemap"])
    for layer in content["layers"]:
        # Names go into the page as text by atlas.js, never through folium.
        groups[layer["id"]] = folium.FeatureGroup(name="", show=False, control=False).add_to(view)
    view.fit_bounds(bounds)
    values = {"version": __version__, "bounds": bounds, **content}
    # A quoted word of letters and figures: nothing in it can open or close a tag.
    block = f'<script type="application/json" id="atlas-data">"{pack(values)}"</script>'
    markup = f"{read_text(ASSETS / 'atlas.html')}\n{block}"
    view.get_root().html.add_child(Element(_escaped(markup)))
    atlas = MacroElement()
    view.add_child(atlas)
    _fix_ids(view)
    names = json.dumps({key: group.get_name() for key, group in groups.items()})
    pairs = ",".join(f"{json.dumps(k)}:{v}" for k, v in json.loads(names).items())
    script = "\n".join(_script(name) for name in _SCRIPTS)
    script = f"{script}\nurbanplanAtlas({view.get_name()},{{{pairs}}});"
    atlas._template = Template(
        "{% macro script(this, kwargs) %}" + _escaped(script) + "{% endmacro %}"
    )
    return view.get_root().render()


def _escaped(text: str) -> str:
    # folium passes text through jinja once more; nothing of ours is a template.
    return "{% raw %}" + text.replace("{% endraw %}", "") + "{% endraw %}"


def _fix_ids(view: folium.Map) -> None:
    # folium names elements at random; counting them gives the same page for the same results.
    pending, count = [view.get_root()], 0
    while pending:
        element = pending.pop()
        element._id = f"{count:06d}"
        count += 1
        for name in ("header", "html", "script"):
            if hasattr(element, name) and hasattr(getattr(element, name), "_id"):
                getattr(element, name)._id = f"{name}{count:06d}"
        pending.extend(element._children.values())


def _script(name: str) -> str:
    text = read_text(ASSETS / name).replace("</script", "<\\/script")
    return re.sub(r"//# sourceMappingURL=\S+", "", text)


def _style(name: str) -> str:
    # Leaflet's pictures belong to controls and markers that the page does not use.
    return re.sub(r"url\(\s*[\"']?(?!data:)[^)]*\)", "none", read_text(ASSETS / name))


def _host(template: str) -> str:
    return re.sub(r"^[^.]*{s}[^.]*\.", "", re.match(r"https?://([^/]+)", template).group(1))


def _with_policy(page: str, tiles: tuple[str, ...]) -> str:
    code = re.findall(r"<script(?![^>]*application/json)[^>]*>(.*?)</script>", page, re.DOTALL)
    hashes = sorted(
        {
            "'sha256-" + base64.b64encode(hashlib.sha256(c.encode()).digest()).decode() + "'"
            for c in code
        }
    )
    images = "data:"
    hosts = set()
    for template in tiles:
        scheme, host = template.split("://")[0], template.split("://")[1].split("/")[0]
        # A sub-domain placeholder becomes the policy's wildcard for one level.
        hosts.add(f" {scheme}://{re.sub(r'^[^.]*{s}[^.]*', '*', host)}")
    images += "".join(sorted(hosts))
    policy = (
        "default-src 'none'; "
        f"script-src {' '.join(hashes)}; style-src 'unsafe-inline'; img-src {images}; "
        "connect-src 'none'; base-uri 'none'; form-action 'none'"
    )
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    return page.replace("<head>", f"<head>\n    {meta}", 1)


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
