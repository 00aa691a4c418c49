"""A font that holds the report's language, found once for pictures and PDF alike; what it lacks is marked, never tofu."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from urbanplan.base.schema import normal
from urbanplan.errors import UrbanplanError
from urbanplan.files import has

if TYPE_CHECKING:
    from matplotlib.font_manager import FontEntry, FontManager

#: Families with simplified Chinese, plain ones first, and where they lie where nobody lists them:
#: a list of fonts that was made before a font came is wrong for long.
_KNOWN: dict[str, tuple[str, ...]] = {
    "Noto Sans CJK SC": (
        "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
        "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
        "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
        "/usr/share/fonts/google-noto-sans-cjk-fonts/NotoSansCJK-Regular.ttc",
    ),
    "Noto Sans SC": (),
    "Source Han Sans SC": ("/usr/share/fonts/adobe-source-han-sans/SourceHanSansSC-Regular.otf",),
    "Source Han Sans CN": ("/usr/share/fonts/adobe-source-han-sans/SourceHanSansCN-Regular.otf",),
    "Microsoft YaHei": ("C:/Windows/Fonts/msyh.ttc",),
    "PingFang SC": ("/System/Library/Fonts/PingFang.ttc",),
    "Hiragino Sans GB": ("/System/Library/Fonts/Hiragino Sans GB.ttc",),
    "DengXian": ("C:/Windows/Fonts/Deng.ttf",),
    "SimHei": ("C:/Windows/Fonts/simhei.ttf",),
    "WenQuanYi Micro Hei": ("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",),
    "WenQuanYi Zen Hei": ("/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",),
}
#: The bold face, where it lies beside the plain one.
_BOLD = {
    "NotoSansCJK-Regular.ttc": "NotoSansCJK-Bold.ttc",
    "msyh.ttc": "msyhbd.ttc",
    "Deng.ttf": "Dengb.ttf",
    "SourceHanSansSC-Regular.otf": "SourceHanSansSC-Bold.otf",
    "SourceHanSansCN-Regular.otf": "SourceHanSansCN-Bold.otf",
}
#: A family must hold these to be taken.
_PROBE = "区县覆盖时限内的人口，。（）“”·"
#: Comes with matplotlib: Latin, Greek, Cyrillic, Arabic.
_SHIPPED = "DejaVu Sans"
#: Stands for a character that the font lacks, as printers have it, or what every font has.
_MARKS = "〓?"
#: Never shown: controls, halves of pairs, places for private use, and marks that turn the direction of text.
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn"}


@dataclass(frozen=True)
class Font:
    """A family, its folder, and every character that it can show."""

    family: str
    folder: Path
    characters: frozenset[int]

    def lacks(self, text: str) -> set[str]:
        """Characters of a text that the font has no shape for."""
        return {c for c in text if ord(c) not in self.characters and c not in "\n"}

    def fit(self, text: str) -> str:
        """The text with what the font lacks marked, and what cannot be seen left out."""
        text = normal("".join(c for c in text if c == "\n" or unicodedata.category(c) not in _HIDDEN), "NFC")  # fmt: skip
        lacking = self.lacks(text)
        if not lacking:
            return text
        mark = next(m for m in _MARKS if ord(m) in self.characters)
        return "".join(" " if c.isspace() else mark if c in lacking else c for c in text)


@cache
def font_of(lang: str) -> Font:
    """The first family of this machine that holds Chinese, made known to matplotlib.

    English needs none: without one it is set in the font that matplotlib ships, and Chinese names
    in it are marked.

    Parameters
    ----------
    lang : {'zh', 'en'}

    Raises
    ------
    UrbanplanError
        If a Chinese report finds none, or the libraries that make reports are missing.
    """
    manager = _manager()
    for family, paths in _KNOWN.items():
        _make_known(manager, family, paths)
        for entry in manager.ttflist:
            if entry.name == family and _is_plain(entry.weight) and has(entry.fname):
                found = Font(family, Path(str(entry.fname)).parent, _characters(entry))
                if not found.lacks(_PROBE):
                    return found
    if lang == "en":
        return _plain(manager)
    raise UrbanplanError(
        "no font with Chinese characters is installed",
        where="report",
        remedy="install one, such as the Debian package fonts-noto-cjk",
    )


def _is_plain(weight: str | int) -> bool:
    # Some fonts say it in words.
    return weight in ("normal", "regular", "book") if isinstance(weight, str) else weight <= 500


def _plain(manager: FontManager) -> Font:
    import matplotlib

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    _make_known(manager, _SHIPPED, (str(folder / "DejaVuSans.ttf"),))
    entry = next(e for e in manager.ttflist if Path(str(e.fname)) == folder / "DejaVuSans.ttf")
    return Font(_SHIPPED, folder, _characters(entry))


def _manager() -> FontManager:
    from matplotlib.font_manager import fontManager

    return fontManager


def _make_known(manager: FontManager, family: str, paths: tuple[str, ...]) -> None:
    known = {(e.name, str(e.fname)) for e in manager.ttflist}
    for path in paths:
        bold = Path(path).with_name(_BOLD.get(Path(path).name, "-"))
        for one in (Path(path), bold):
            if has(one) and (family, str(one)) not in known:
                manager.addfont(one)


def _characters(entry: FontEntry) -> frozenset[int]:
    from fontTools.ttLib import TTCollection, TTFont

    collection = str(entry.fname).lower().endswith((".ttc", ".otc"))
    number = getattr(entry, "index", 0) if collection else -1
    with TTFont(str(entry.fname), fontNumber=number, lazy=True) as font:
        assert not isinstance(font, TTCollection)
        return frozenset(font.getBestCmap())
