"""Space-filling order."""

from __future__ import annotations

import numpy as np

#: Bits per axis: a city of 60 km is told apart to a metre.
_BITS = 16


def hilbert(xy: np.ndarray) -> np.ndarray:
    """Position along a Hilbert curve of each place.

    Parameters
    ----------
    xy : ndarray, shape (n, 2)
        Coordinates in any unit.

    Returns
    -------
    ndarray of int64, shape (n,)

    Notes
    -----
    Hilbert (1891), Über die stetige Abbildung einer Linie auf ein Flächenstück; the bitwise walk
    down the quadrants.

    Examples
    --------
    >>> hilbert(np.array([[0, 0], [0, 1], [1, 1], [1, 0]])).argsort().tolist()
    [0, 1, 2, 3]
    """
    if not len(xy):
        return np.zeros(0, np.int64)
    low, size = xy.min(0), max(float(np.ptp(xy, axis=0).max()), 1e-9)
    x, y = ((xy - low) / size * (2**_BITS - 1)).astype(np.int64).T.copy()
    place = np.zeros(len(xy), np.int64)
    side = 1 << (_BITS - 1)
    while side:
        right, up = (x & side) > 0, (y & side) > 0
        place += side * side * ((3 * right) ^ up)
        flip = ~up & right
        x, y = np.where(flip, side - 1 - x, x), np.where(flip, side - 1 - y, y)
        x, y = np.where(up, x, y), np.where(up, y, x)
        side >>= 1
    return place
