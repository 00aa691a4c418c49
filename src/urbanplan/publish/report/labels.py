"""Names on a map, none over another: the important ones first, each at the first place that is free."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from urbanplan.publish.report.paper import INK, Paper

#: Millimetres of an em per point of size, and the space kept around a name.
_EM_MM, _AIR_MM = 25.4 / 72, 0.5
#: Beside a point, in order of preference: which side of it the name lies on, across and up.
_BESIDE = ((1, 0), (1, 1), (1, -1), (-1, 0), (-1, 1), (-1, -1), (0, 1), (0, -1))

Box = tuple[float, float, float, float]


@dataclass
class Labels:
    """Writes names into a window of a sheet, and remembers where something is.

    Parameters
    ----------
    paper : Paper
    box : tuple of float
        The window.
    """

    paper: Paper
    box: Box
    taken: list[Box] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def block(self, box: Box) -> None:
        """Keep names away from a box."""
        self.taken.append(box)

    def block_points(self, spots: Iterable[tuple[float, float]], size_mm: float) -> None:
        """Keep names off points."""
        half = size_mm / 2
        for x, y in spots:
            self.block((x - half, y - half, x + half, y + half))

    def beside(self, spot: tuple[float, float], text: str, size: float, gap_mm: float = 2.2, **look: Any) -> bool:  # fmt: skip
        """Write a name beside a point."""
        wide, high = self._size(text, size, look)
        places = []
        for across, up in _BESIDE:
            x = spot[0] + across * (gap_mm + wide / 2) * (0.8 if up and across else 1)
            y = spot[1] + up * (gap_mm * 0.5 + high / 2) * (1.2 if not across else 0.9)
            places.append((x, y))
        return self.at(places, text, size, **look)

    def at(self, places: Iterable[tuple[float, float]], text: str, size: float, **look: Any) -> bool:  # fmt: skip
        """Write a name at the first of these places where it covers nothing."""
        wide, high = self._size(text, size, look)
        for x, y in places:
            box = (x - wide / 2, y - high / 2, x + wide / 2, y + high / 2)
            if self.free(box):
                self.taken.append(box)
                self._write(x, y, text, size, look)
                return True
        self.left_out.append(text)
        return False

    def _size(self, text: str, size: float, look: dict) -> tuple[float, float]:
        width = self.paper.width(text, size, look.get("weight", "normal"))
        return width + 2 * _AIR_MM, size * _EM_MM * 1.05 + 2 * _AIR_MM

    def free(self, box: Box) -> bool:
        """Whether a box lies in the window and over nothing that is there."""
        inside = box[0] >= self.box[0] and box[1] >= self.box[1] and box[2] <= self.box[2] and box[3] <= self.box[3]  # fmt: skip
        if not inside:
            return False
        there = np.array(self.taken, float).reshape(-1, 4)
        apart = (there[:, 0] >= box[2]) | (there[:, 2] <= box[0]) | (there[:, 1] >= box[3]) | (there[:, 3] <= box[1])  # fmt: skip
        return bool(apart.all())

    def _write(self, x: float, y: float, text: str, size: float, look: dict) -> None:
        from matplotlib import patheffects

        halo = patheffects.withStroke(linewidth=2.2, foreground="white", alpha=0.85)
        style = {"color": INK, "zorder": 50, **look}
        self.paper.text(
            x, y - size * _EM_MM * 0.36, text, size, ha="center", path_effects=[halo], **style
        )
