"""What counts as a facility among the things of an extract, and which of them are one facility."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from urbanplan.catalog import OsmRule, read_osm_exclusions
from urbanplan.sources.extract import Feature

#: Parts without a name belong to a named institution that is so near, in metres: across its forecourt.
_BESIDE_M = 50.0
#: Two outlines without a name are one where they are so near, in metres: wings of a house.
_TOUCHING_M = 10.0
#: A smaller outline lies in a larger one if this share of it does.
_INSIDE_SHARE = 0.5
#: Names of one thing in several languages and wordings.
_NAMES = ("name", "name:zh", "name:zh-Hans", "name:en", "official_name", "alt_name", "short_name")
#: What stands between an institution's name and that of its part.
_PART = re.compile(r"\s*[,，;；:：/(（–—]\s*|\s+-\s+")
#: How one name is written differently: accents of Latin, Greek and Cyrillic letters, apostrophes and points, hyphens within.
_ACCENT = re.compile("[\u0300-\u036f]")
_DROPPED = re.compile("['’‘ʼ`´.]")
_JOINT = re.compile(r"(?<=\w)[-‐‑‒·・](?=\w)")
#: A name in Chinese of fewer characters, or of one word, is a kind rather than a name.
_SHORT_NAME = 4


class Chosen(NamedTuple):
    """Features that count, and how many do not, by reason (in both languages)."""

    features: list[Feature]
    left_out: Counter[tuple[str, str]]


def kind_of(tags: Mapping[str, str], rule: OsmRule) -> str | None:
    """What a thing is: the first value that its layer is made of, else of the keys that say so."""
    for key in rule.kind:
        wanted = rule.tags.get(key)
        for value in tags.get(key, "").split(";"):
            if value.strip() and (wanted is True or value.strip() in (wanted or ())):
                return value.strip()
    return next((tags[key] for key in rule.kind if key in tags), None)


def in_use(features: Sequence[Feature], areas_m2: np.ndarray, rule: OsmRule, day: str) -> Chosen:
    """Features without what is closed, private, or called so for another reason.

    Parameters
    ----------
    features : sequence of Feature
    areas_m2 : ndarray, shape (features,)
        0 for points.
    rule : OsmRule
    day : str
        Of the data, ISO: what ended before it, or begins later, is not there.
    """
    kept = []
    left_out: Counter[tuple[str, str]] = Counter()
    for feature, m2 in zip(features, areas_m2):
        why = [e.reason for e in read_osm_exclusions() if e.holds(rule, feature.tags, m2, day)]
        if why:
            left_out[why[0]] += 1
        else:
            kept.append(feature)
    return Chosen(kept, left_out)


def one_each(features: Sequence[Feature], shapes: np.ndarray, rule: OsmRule) -> list[Feature]:
    """One feature for each facility, whatever is drawn of it: grounds, buildings, entrances, departments.

    Parameters
    ----------
    features : sequence of Feature
    shapes : ndarray of geometry, shape (features,)
        Of the features, in a metric system.
    rule : OsmRule
        Its `whole` and `same_m` say what may be one.

    Returns
    -------
    list of Feature
        The largest outline of each, else its named point, with the name and figures of its parts
        where it has none itself; in the order of `features`.

    Notes
    -----
    One facility is (a) what has the same name and is near, (b) what lies in an outline and has its
    name or none, or whatever name in an institution that is made of parts, (c) parts of such an
    institution without a name, which belong to the nearest one beside them.
    """
    groups = _groups(features, rule)
    parent = np.arange(len(features))
    for name, members in sorted(groups.items()):
        _gather(parent, np.array(members), features, shapes, name.startswith("whole "), rule.same_m)
    for i, j in _drawn_twice(features, shapes):
        _join(parent, i, j)
    clusters: dict[int, list[int]] = {}
    for i in range(len(features)):
        clusters.setdefault(_root(parent, i), []).append(i)
    merged = {}
    for members in clusters.values():
        head, feature = _merged(members, features, shapes, rule)
        merged[head] = feature
    return [merged[i] for i in sorted(merged)]


def _drawn_twice(features: Sequence[Feature], shapes: np.ndarray) -> Iterator[tuple[int, int]]:
    # Outlines of one name that are the same ground, whatever kind each says: a multipolygon and its outer ring.
    import shapely

    size = shapely.area(shapes)
    called: dict[str, list[int]] = {}
    for i in np.flatnonzero(size > 0).tolist():
        for name in _names(features[i].tags):
            called.setdefault(name, []).append(i)
    for _, same in sorted(called.items()):
        if len(same) > 1:
            at, other = shapely.STRtree(shapes[same]).query(shapes[same], "intersects")
            for i, j in ((same[a], same[b]) for a, b in zip(at, other) if a < b):
                if shapes[i].intersection(shapes[j]).area >= _INSIDE_SHARE * max(size[i], size[j]):
                    yield i, j


def _groups(features: Sequence[Feature], rule: OsmRule) -> dict[str, list[int]]:
    # Only things of one kind, or of the kinds that an institution is made of, can be one.
    of = {kind: f"whole {i}" for i, kinds in enumerate(rule.whole) for kind in kinds}
    groups: dict[str, list[int]] = {}
    for i, feature in enumerate(features):
        kind = str(kind_of(feature.tags, rule))
        groups.setdefault(of.get(kind, kind), []).append(i)
    return groups


def _root(parent: np.ndarray, i: int) -> int:
    while parent[i] != i:
        i = int(parent[i])
    return i


def _join(parent: np.ndarray, i: int, j: int) -> None:
    a, b = _root(parent, i), _root(parent, j)
    parent[max(a, b)] = min(a, b)


def _gather(
    parent: np.ndarray,
    members: np.ndarray,
    features: Sequence[Feature],
    shapes: np.ndarray,
    whole: bool,
    same_m: float,
) -> None:
    names = {i: _names(features[i].tags) for i in members.tolist()}
    for i, j in _of_one_name(members, names, shapes, whole, same_m):
        _join(parent, i, j)
    cluster = {i: _root(parent, i) for i in names}
    for i, j in list(_inside(members, names, shapes, whole, cluster)):
        _join(parent, i, j)
    if whole:
        _beside(parent, members, names, shapes)


def _names(tags: Mapping[str, str]) -> frozenset[str]:
    values = (v for key in _NAMES for v in tags.get(key, "").split(";"))
    return frozenset(folded for folded in map(_folded, values) if folded)


def _folded(name: str) -> str:
    # "Lycée Albert-1er" is "Lycee Albert 1er", and "St. John's" is "St Johns"; marks of other scripts are letters.
    plain = _ACCENT.sub("", unicodedata.normalize("NFKD", name))
    plain = _JOINT.sub(" ", _DROPPED.sub("", unicodedata.normalize("NFC", plain)))
    return " ".join(plain.split()).casefold()


def _institution(name: str) -> str | None:
    # "City Hospital, Block A" is a part of "City Hospital"; "Hospital (north)" of nothing known.
    name = " ".join(name.split())
    first = _PART.split(name, maxsplit=1)[0].strip()
    if first in ("", name):
        return None
    telling = len(first.split()) > 1 or (not first.isascii() and len(first) >= _SHORT_NAME)
    return first if telling else None


def _of_one_name(
    members: np.ndarray,
    names: Mapping[int, frozenset[str]],
    shapes: np.ndarray,
    whole: bool,
    same_m: float,
) -> Iterator[tuple[int, int]]:
    import shapely

    called: dict[str, list[int]] = {}
    for i in members.tolist():
        for name in names[i]:
            called.setdefault(name, []).append(i)
    for i in members.tolist() if whole else ():
        # A part joins an institution that has exactly the name before the comma.
        for first in {_institution(name) for name in names[i]}:
            if first in called:
                called[first].append(i)
    for _, same in sorted(called.items()):
        if len(same) > 1:
            a, b = shapely.STRtree(shapes[same]).query(shapes[same], "dwithin", distance=same_m)
            yield from ((same[i], same[j]) for i, j in zip(a, b) if i < j)


def _inside(
    members: np.ndarray,
    names: Mapping[int, frozenset[str]],
    shapes: np.ndarray,
    whole: bool,
    cluster: dict[int, int],
) -> Iterator[tuple[int, int]]:
    import shapely

    size = shapely.area(shapes[members])
    outlines = members[size > 0]
    if not len(outlines):
        return
    middles = shapely.point_on_surface(shapes[members])
    inner, outer = shapely.STRtree(shapes[outlines]).query(middles, predicate="intersects")
    pairs = [(int(members[i]), int(outlines[o])) for i, o in zip(inner, outer)]
    area = dict(zip(members.tolist(), size.tolist()))
    owner: dict[int, frozenset[str]] = {}
    # The smallest outline first: a ward lies in its house, the house on the grounds.
    for i, j in sorted(pairs, key=lambda p: (p[0], area[p[1]], p[1])):
        if (area[i], i) >= (area[j], j) or cluster[i] == cluster[j]:
            continue
        if area[i] and shapes[i].intersection(shapes[j]).area < _INSIDE_SHARE * area[i]:
            continue
        if names[i] and names[j] and not names[i] & names[j]:
            # Of another name: a department, unless the rest of what is called so lies elsewhere.
            others = [k for k, c in cluster.items() if c == cluster[i] and k != i]
            if not whole or any(not shapes[k].intersects(shapes[j]) for k in others):
                continue
        if not whole and names[i] and not names[j] and not owner.setdefault(j, names[i]) & names[i]:
            # Grounds without a name take that of one school on them; one of another name is another school.
            continue
        yield i, j


def _beside(
    parent: np.ndarray, members: np.ndarray, names: Mapping[int, frozenset[str]], shapes: np.ndarray
) -> None:
    # Parts without a name: wings that touch are one house, and a house belongs to whoever is nearest.
    import shapely

    roots = {i: _root(parent, i) for i in members.tolist()}
    named = {roots[i] for i in roots if names[i]}
    bare = np.array([i for i in roots if roots[i] not in named], np.int64)
    known = np.array([i for i in roots if roots[i] in named], np.int64)
    drawn = bare[shapely.area(shapes[bare]) > 0] if len(bare) else bare
    if len(drawn):
        a, b = shapely.STRtree(shapes[drawn]).query(shapes[drawn], "dwithin", distance=_TOUCHING_M)
        for i, j in zip(drawn[a], drawn[b]):
            _join(parent, int(i), int(j))
    if not len(bare) or not len(known):
        return
    at, metres = shapely.STRtree(shapes[known]).query_nearest(
        shapes[bare], max_distance=_BESIDE_M, return_distance=True, all_matches=False
    )
    nearest: dict[int, tuple[float, int]] = {}
    for i, k, far in zip(bare[at[0]], known[at[1]], metres):
        root = _root(parent, int(i))
        nearest[root] = min(nearest.get(root, (np.inf, 0)), (float(far), int(k)))
    for root, (_, k) in sorted(nearest.items()):
        _join(parent, root, k)


def _merged(
    members: list[int], features: Sequence[Feature], shapes: np.ndarray, rule: OsmRule
) -> tuple[int, Feature]:
    # The largest outline speaks for all, and its parts for what it does not say.
    import shapely

    rank = {kind: n for kinds in rule.whole for n, kind in enumerate(kinds)}
    at_rank = lambda i: rank.get(str(kind_of(features[i].tags, rule)), 0)  # noqa: E731
    order = sorted(
        members,
        key=lambda i: (-shapely.area(shapes[i]), at_rank(i), not features[i].tags.get("name"), i),
    )
    head, tags = order[0], dict(features[order[0]].tags)
    if not _names(tags):
        called = sorted((i for i in order if _names(features[i].tags)), key=at_rank)
        tags |= {k: features[called[0]].tags[k] for k in _NAMES if called and k in features[called[0]].tags}  # fmt: skip
    for key in rule.columns.values():
        said = [features[i].tags[key] for i in order if features[i].tags.get(key)]
        tags |= {key: said[0]} if said else {}
    best = min(order, key=at_rank)
    if at_rank(best) < at_rank(head):
        tags |= {k: features[best].tags[k] for k in rule.kind if k in features[best].tags}
    return head, features[head]._replace(tags=tags)
