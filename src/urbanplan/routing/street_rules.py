"""What tags mean for one way of travelling: who may pass, in which direction, how fast."""

from __future__ import annotations

import re
from collections.abc import Mapping

from urbanplan.catalog import StreetRules, read_tag_rules

#: Values of a oneway key that name a direction along the way, and against it.
_ALONG, _AGAINST = ("yes", "true", "1", "forward"), ("-1", "reverse", "backward")
_FREE = ("no", "false", "0")
_WAYS = ("forward", "backward")
_CYCLEWAYS = ("cycleway", "cycleway:left", "cycleway:right", "cycleway:both")
#: Values of a cycleway key that put no cyclist on this way: none, or drawn as a way of its own.
_NO_CYCLEWAY = ("no", "none", "separate")
#: Keys that name the zone whose statutory limit counts where no limit is posted.
_ZONES = ("maxspeed:type", "zone:maxspeed", "source:maxspeed", "zone:traffic")
_KMH = {"": 1.0, "km/h": 1.0, "kmh": 1.0, "kph": 1.0, "kmph": 1.0, "mph": 1.609344, "mp/h": 1.609344, "knots": 1.852}  # fmt: skip
#: Kerbs that a wheel gets over.
_LOW_KERBS = ("no", "lowered", "flush", "rolled")


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
    Source: OSM wiki, *Key:access* (a specific key overrides a general one, a value that is not
    known opens nothing), *OSM tags for routing/Access restrictions* (classes open by default),
    *Key:oneway*, *Key:maxspeed*; what tags imply besides is in ``tags.toml``, with its sources.
    """
    tags = _with_implied(tags)
    if tags.get("area") == "yes":
        return 0.0, 0.0
    classes = classes_of(tags)
    if len(classes) > 1:
        # A street of several classes, joined into one: passed only if each of them is, as slowly as the slowest.
        both = [speeds_kmh({**tags, "highway": one}, rules) for one in classes]
        return min(b[0] for b in both), min(b[1] for b in both)
    meant = read_tag_rules()
    if any(row.to in rules.access and row.holds(tags) for row in meant.closed):
        return 0.0, 0.0
    free = _directions(tags, rules)
    along, against = (_one_way_kmh(tags, rules, way, free[i]) for i, way in enumerate(_WAYS))
    return along, against


def classes_of(tags: Mapping[str, str]) -> list[str]:
    """The classes of a way; more than one where a list names them (``residential;tertiary``)."""
    return [part.strip() for part in tags.get("highway", "").split(";")]


def is_area(tags: Mapping[str, str]) -> bool:
    """Is it the outline of a piece of ground, a square say, rather than a line?"""
    return _with_implied(tags).get("area") == "yes"


def _with_implied(tags: Mapping[str, str]) -> Mapping[str, str]:
    more = dict(tags)
    for row in read_tag_rules().implied:
        holds = all(tags.get(key) in values for key, values in row.when.items())
        if holds and not any(key in tags for key in row.unless):
            more = {**row.then, **more}
    return more


def _one_way_kmh(tags: Mapping[str, str], rules: StreetRules, way: str, free: bool) -> float:
    highway = tags.get("highway", "")
    key, value = _access(tags, rules, way)
    if value and not opens(value, rules) and value != "dismount":
        return 0.0
    meant = read_tag_rules()
    speed = rules.kmh.get(highway, 0.0)
    # Only a key more specific than access opens a class that is closed to it: access=yes opens no footway to cars.
    opened = value and key.split(":")[0] != rules.access[0] and highway in meant.built
    if not speed and opened:
        speed = rules.opened_kmh.get(highway, rules.other_kmh)
    if value == "dismount":
        return min(speed, rules.push_kmh)
    # A key of this very direction frees it: bicycle:backward=yes in a one-way street.
    if not (free or (value and ":" in key)):
        return 0.0
    if not rules.maxspeed or not speed:
        return speed
    posted = _posted_kmh(tags, way)
    if highway not in rules.kmh:
        return min(speed, posted) or speed
    return min(posted, meant.most_kmh.get(highway, posted)) or speed


def opens(value: str, rules: StreetRules) -> bool:
    """Does this value of an access key open a way? Of a list, one value that opens is enough."""
    return any(part.strip() in (*rules.open, *rules.own) for part in value.split(";"))


def carries(tags: Mapping[str, str], rules: StreetRules) -> bool:
    """Is a way a ferry that takes the mode?

    Notes
    -----
    Source: OSM wiki, *Tag:route=ferry*: open to people on foot and bicycles unless a key says no,
    to cars only where a key more specific than access says so.
    """
    if tags.get("route") != "ferry" or "highway" in tags:
        return False
    key, value = _access(tags, rules)
    if value:
        return opens(value, rules) and (rules.access[-1] != "motorcar" or key != rules.access[0])
    return rules.access[-1] != "motorcar"


#: Characters of a duration, and minutes of the longest crossing.
_LONGEST_DURATION, _MOST_MIN = 40, 31 * 1440.0


def duration_min(text: str | None) -> float:
    """Minutes of a ``duration`` value, 0 where it names none, or more than a month.

    Examples
    --------
    >>> duration_min("00:20"), duration_min("1:05:30"), duration_min("12"), duration_min("PT1H30M"), duration_min("long")
    (20.0, 65.5, 12.0, 90.0, 0.0)
    """
    text = (text or "").strip()
    # More digits are no time, and would be without end.
    if len(text) > _LONGEST_DURATION:
        return 0.0
    minutes = _minutes(text)
    return minutes if minutes <= _MOST_MIN else 0.0


def _minutes(text: str) -> float:
    iso = re.fullmatch(r"P(?:(\d+)D)?T?(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?", text)
    if iso and any(iso.groups()):
        days, hours, minutes, seconds = (float(part or 0) for part in iso.groups())
        return 1440 * days + 60 * hours + minutes + seconds / 60
    if not re.fullmatch(r"\d+(:\d{1,2}){0,2}", text):
        return 0.0
    parts = [float(part) for part in text.split(":")]
    if len(parts) == 1:
        return parts[0]
    return 60 * parts[0] + parts[1] + (parts[2] / 60 if len(parts) == 3 else 0.0)


def at_ends_only(tags: Mapping[str, str], rules: StreetRules) -> bool:
    """Is a way or point open only to those who begin or end their trip behind it?

    Notes
    -----
    Source: OSM wiki, *Key:access*: private, destination, customers, delivery, permit and residents
    let those in who live or have business there; through traffic is kept out of all of them, as
    in OSRM (restricted access tag whitelist), Valhalla (destination only) and GraphHopper.
    """
    _, value = _access(_with_implied(tags), rules, "forward")
    values = [part.strip() for part in value.split(";")]
    return any(v in rules.own for v in values) and not any(v in rules.open for v in values)


def _access(tags: Mapping[str, str], rules: StreetRules, way: str = "") -> tuple[str, str]:
    # The most specific key that says something, and what it says; of one key, its direction first.
    for key in reversed(rules.access):
        for name in (f"{key}:{way}", key) if way else (key,):
            # access=unknown says nothing.
            if tags.get(name, "unknown") != "unknown":
                return name, tags[name]
    return "", ""


def stops(tags: Mapping[str, str], rules: StreetRules) -> bool:
    """Does a point with these tags (a gate, a bollard) stop the mode?

    Notes
    -----
    Source: OSM wiki, *Key:barrier*, *Key:locked* (a locked gate stops everyone whom no key lets
    through, as in GraphHopper), *Key:kerb* (a lowered kerb stops nobody, as in OSRM).
    """
    _, value = _access(tags, rules)
    if value:
        return not opens(value, rules) and value != "dismount"
    if tags.get("locked") == "yes":
        return True
    kind = tags.get("barrier", "no")
    if kind == "kerb" and (tags.get("kerb") in _LOW_KERBS or tags.get("highway") == "crossing"):
        return False
    return kind in rules.barriers or bool(rules.passes and kind not in rules.passes)


def parse_kmh(text: str | None) -> float:
    """Speed in km/h of a ``maxspeed`` value, 0 where it names none; the lowest of a list.

    Examples
    --------
    >>> parse_kmh("50"), round(parse_kmh("30 MPH"), 1), parse_kmh("CN:urban"), parse_kmh("walk")
    (50.0, 48.3, 50.0, 5.0)
    >>> parse_kmh("50;30"), parse_kmh("DE:zone:30"), parse_kmh("signals"), parse_kmh("500")
    (30.0, 30.0, 0.0, 0.0)
    """
    least, most = read_tag_rules().posted_kmh
    speeds = [_word_kmh(part.strip()) for part in re.split("[;|]", (text or "").lower())]
    return min((speed for speed in speeds if least <= speed <= most), default=0.0)


def _word_kmh(word: str) -> float:
    number = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z/]*)", word)
    if number:
        return float(number[1]) * _KMH.get(number[2], 0.0)
    meant = read_tag_rules()
    country, _, zone = word.rpartition(":")
    # "fr:zone30", "de:zone:30", "de:30": the figure is the limit.
    figure = re.fullmatch(r"(?:zone)?(\d+)", zone)
    if figure:
        country = country.removesuffix(":zone")
        return float(figure[1]) * (_KMH["mph"] if country in meant.mph else 1.0)
    return meant.kmh.get(word, meant.kmh.get(zone, 0.0))


def _posted_kmh(tags: Mapping[str, str], way: str) -> float:
    for key in (f"maxspeed:{way}", "maxspeed", *_ZONES):
        if speed := parse_kmh(tags.get(key)):
            return speed
    return 0.0


def _directions(tags: Mapping[str, str], rules: StreetRules) -> tuple[bool, bool]:
    along = against = True
    marks = (tags.get("highway", ""), tags.get("junction", ""))
    if any(mark in rules.implied_oneway for mark in marks):
        against = False
    for key in rules.oneway:
        value = tags.get(key, "")
        if value in _ALONG:
            # An escalator that says only that it moves may be either.
            along, against = True, key == "conveying" and value == "yes"
        elif value in _AGAINST:
            along, against = False, True
        elif value in _FREE:
            along = against = True
        elif value == "reversible" and key != "conveying":
            along = against = False
    if along != against and rules.contraflow and _contraflow(tags, rules):
        return True, True
    return along, against


def _contraflow(tags: Mapping[str, str], rules: StreetRules) -> bool:
    for key in _CYCLEWAYS:
        lane = tags.get(key, "")
        if lane in rules.contraflow:
            return True
        if tags.get(f"{key}:oneway") in ("-1", "no") and lane not in _NO_CYCLEWAY:
            return True
    return False


def conditional(tags: Mapping[str, str], rules: StreetRules) -> bool:
    """Does what the mode may do here change with the hour, the season or the vehicle?"""
    keys = (*rules.access, *rules.oneway, *(("maxspeed",) if rules.maxspeed else ()))
    return any(f"{key}:conditional" in tags for key in keys)
