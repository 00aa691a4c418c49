"""How a page is to be made: title, language, what it shows, what it leaves out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from urbanplan.catalog import COMMON_COLUMNS, load_catalog
from urbanplan.errors import InputError, one_of

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
