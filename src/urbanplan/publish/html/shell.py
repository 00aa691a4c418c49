"""The page around the content: bundled assets, one block of data, Content-Security-Policy."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from urbanplan import __version__
from urbanplan.errors import UrbanplanError
from urbanplan.files import read_text
from urbanplan.publish.html.pack import pack

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
        From `urbanplan.publish.html.content.content`.
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
    title = f"{content['city']['zh']} · {content['city']['en']}"
    page = "\n".join(
        (
            "<!DOCTYPE html>",
            '<html lang="zh-CN">',
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
    return re.sub(r"^[^.]*{s}[^.]*\.", "", re.match(r"https?://([^/]+)", template).group(1))


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
