"""What tags mean for one way of travelling: who may pass, in which direction, how fast."""

from __future__ import annotations

import re
from collections.abc import Mapping

from urbanplan.catalog import StreetRules

#: Values of a oneway key that name a direction along the way, and against it.
_ALONG, _AGAINST = ("yes", "true", "1"), ("-1", "reverse")
_FREE = ("no", "false", "0")
_CYCLEWAYS = ("cycleway", "cycleway:left", "cycleway:right", "cycleway:both")
_MPH = 1.609344


def speeds_kmh(tags: Mapping[str, str], rules: StreetRules) -> tuple[float, float]:
    """How fast does the mode move along a way, and against it?

    Parameters
    ----------
    tags : mapping
        Tags of the way, as in OpenStreetMap.
    rules : StreetRules
        The mode's rules.

    Returns
    -------
    (float, float)
        km/h along and against the way as drawn; 0 where the mode may not go.

    Notes
    -----
    Source: OSM wiki, *Key:access* (a specific key overrides a general one), *OSM tags for
    routing/Access restrictions* (classes open by default), *Key:oneway*, *Key:maxspeed*.
    """
    if tags.get("area") == "yes":
        return 0.0, 0.0
    highway = tags.get("highway", "")
    speed = rules.kmh.get(highway, 0.0)
    said = _said(tags, rules)
    if said in rules.no:
        return 0.0, 0.0
    if said == "dismount":
        return rules.push_kmh, rules.push_kmh
    if not speed:
        # Only a key more specific than access opens a class that is closed to it: access=yes opens no footway to cars.
        opened = any(tags.get(key) for key in rules.access[1:])
        speed = rules.other_kmh if opened and highway in _BUILT else 0.0
    posted = [speed, speed]
    if rules.maxspeed and speed:
        for i, key in enumerate(("maxspeed:forward", "maxspeed:backward")):
            posted[i] = parse_kmh(tags.get(key)) or parse_kmh(tags.get("maxspeed")) or speed
    along, against = _directions(tags, rules)
    return posted[0] * along, posted[1] * against


#: Classes that exist on the ground, so that an access key can open them.
_BUILT = frozenset(
    {
        *("motorway", "motorway_link", "expressway", "trunk", "trunk_link", "primary"),
        *("primary_link", "secondary", "secondary_link", "tertiary", "tertiary_link"),
        *("unclassified", "residential", "living_street", "road", "service", "services", "track"),
        *("pedestrian", "footway", "path", "steps", "cycleway", "bridleway", "corridor"),
        *("busway", "bus_guideway", "platform"),
    }
)


def stops(tags: Mapping[str, str], rules: StreetRules) -> bool:
    """Does a point with these tags (a gate, a bollard) stop the mode?"""
    said = _said(tags, rules)
    if said:
        return said in rules.no
    return tags.get("barrier", "") in rules.barriers


def parse_kmh(text: str | None) -> float:
    """Speed in km/h of a ``maxspeed`` value, 0 where it names none.

    Examples
    --------
    >>> parse_kmh("50"), round(parse_kmh("30 mph"), 1), parse_kmh("CN:urban"), parse_kmh("walk")
    (50.0, 48.3, 0.0, 5.0)
    """
    if text == "walk":
        return 5.0
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(mph|km/h|kmh|kph)?\s*", text or "")
    if not found:
        return 0.0
    return float(found[1]) * (_MPH if found[2] == "mph" else 1.0)


def _said(tags: Mapping[str, str], rules: StreetRules) -> str:
    for key in reversed(rules.access):
        if tags.get(key):
            return tags[key]
    return ""


def _directions(tags: Mapping[str, str], rules: StreetRules) -> tuple[bool, bool]:
    along = against = True
    marks = (tags.get("highway", ""), tags.get("junction", ""))
    if any(mark in rules.implied_oneway for mark in marks):
        against = False
    for key in rules.oneway:
        value = tags.get(key, "")
        if value in _ALONG:
            along, against = True, False
        elif value in _AGAINST:
            along, against = False, True
        elif value in _FREE:
            along = against = True
        elif value == "reversible":
            along = against = False
    if along != against and any(tags.get(key) in rules.contraflow for key in _CYCLEWAYS):
        return True, True
    return along, against
