"""Sheets that pictures are drawn on, in millimetres: the font, lines of text, and bytes without a date."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from urbanplan.publish.report.fonts import Font, font_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Width of a text column on A4 with its margins.
WIDTH_MM = 170.0
#: The page's palette.
INK, SOFT, RULE, ACCENT, WARN = "#1f2933", "#55606b", "#c9d1d8", "#0b6b57", "#8a5a00"
_PT_PER_MM = 72 / 25.4
_PATHS, _DIGITS = re.compile(rb' d="[^"]*"'), re.compile(rb"(\.\d\d)\d+")
_PNG_DPI = 220


def pt(mm: float) -> float:
    """Points of so many millimetres."""
    return mm * _PT_PER_MM


@contextmanager
def styled(lang: str) -> Iterator[Font]:
    """Draw with a font that holds the language, and in the page's colours."""
    font = font_of(lang)
    import matplotlib

    rules = {
        "font.family": [font.family],
        "font.size": 8.0,
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": RULE,
        "axes.linewidth": 0.6,
        "axes.unicode_minus": ord("−") in font.characters,
        "xtick.color": SOFT,
        "ytick.color": SOFT,
        "lines.scale_dashes": False,
        "path.simplify": False,
        "svg.fonttype": "path",
        # Ids in an SVG are hashes; without a salt of ours they would be of chance.
        "svg.hashsalt": "urbanplan",
        "savefig.facecolor": "white",
        "text.parse_math": False,
    }
    with matplotlib.rc_context(rules):
        yield font


@dataclass(frozen=True)
class Paper:
    """A sheet of so many millimetres; `ax` measures it from its lower left corner."""

    figure: Figure
    ax: Axes
    width_mm: float
    height_mm: float
    font: Font

    def text(self, x: float, y: float, text: str, size: float = 8.0, **look: Any) -> Any:
        """Write a line; what the font lacks is marked."""
        look = {"va": "baseline", "color": INK, **look}
        return self.ax.text(x, y, self.font.fit(text), fontsize=size, **look)

    def width(self, text: str, size: float, weight: str = "normal") -> float:
        """How long a line is, in millimetres."""
        return text_width(self.font, text, size, weight)

    def lines(self, text: str, size: float, width: float) -> list[str]:
        """A text broken into lines of at most `width` millimetres."""
        found, line = [], ""
        for word in _words(self.font.fit(text).replace("\n", " ")):
            if line and self.width(line + word.rstrip(), size) > width:
                found.append(line.rstrip())
                line = ""
            line += word if line else word.lstrip()
        return [*found, line.rstrip()] if line.strip() else found


def text_width(font: Font, text: str, size: float, weight: str = "normal") -> float:
    """How long a line of a font is, in millimetres."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    look = FontProperties(family=font.family, size=size, weight=weight)
    wide, _, _ = text_to_path.get_text_width_height_descent(font.fit(text), look, False)
    return wide / _PT_PER_MM


def _words(text: str) -> list[str]:
    # Chinese breaks between any two characters but before a stop; other scripts after a space.
    found: list[str] = []
    for char in text:
        wide = ord(char) >= 0x2E80
        stop = char in "，。；：、！？）》”’"
        joins = found and not found[-1].endswith(" ") and (stop or not (wide or _wide_end(found)))
        if joins:
            found[-1] += char
        else:
            found.append(char)
    return found


def _wide_end(found: list[str]) -> bool:
    return ord(found[-1][-1]) >= 0x2E80


def new_paper(font: Font, width_mm: float, height_mm: float) -> Paper:
    """An empty sheet."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_mm / 25.4, height_mm / 25.4))
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set_axis_off()
    ax.set_xlim(0, width_mm)
    ax.set_ylim(0, height_mm)
    return Paper(figure, ax, float(width_mm), float(height_mm), font)


def saved(figure: Figure, form: str) -> bytes:
    """The picture as ``svg`` or ``png``; the same drawing gives the same bytes."""
    out = io.BytesIO()
    about = {"Date": None, "Creator": None} if form == "svg" else {"Software": None}
    figure.savefig(out, format=form, dpi=_PNG_DPI, metadata=about)
    return _rounded(out.getvalue()) if form == "svg" else out.getvalue()


def _rounded(svg: bytes) -> bytes:
    # Hundredths of a point are finer than any printer: a third of the bytes are digits beyond.
    return _PATHS.sub(lambda m: _DIGITS.sub(rb"\1", m.group()), svg)
