"""The maps that a report shows, each answering one question."""

from __future__ import annotations

from typing import Any

import numpy as np

from urbanplan.publish.report.cartography import draw, framed, inside, metric
from urbanplan.publish.report.maps import Maps, existing, plan_layers, styles
from urbanplan.publish.report.model import Figure
from urbanplan.publish.report.paper import ACCENT, INK
from urbanplan.publish.report.sheet import Entry, Sheet
from urbanplan.publish.symbols import Look
from urbanplan.scenarios import chain

#: What is computed lies over areas and under lines, so that roads stay readable.
RESULT_ORDER = 4.5
#: What a scenario opens or adds, on top of a map of change.
_OPENED = Look("line", INK, INK, 0.9, (), 1.0)
_ADDED = Look("point", "#ffffff", INK, 0.5, (), 1.0, 1.0, size_mm=3.4)


def overview(maps: Maps, centre: bool = False) -> Figure | None:
    """Every layer of the plan, over the whole city or its centre."""
    names, words = plan_layers(maps), maps.context.words
    if not names:
        return None
    bounds = maps.centre if centre else maps.whole
    legend = _plan_legend(maps, bounds, names)
    place = words("in_centre") if centre else words("in_whole")
    sheet = maps.sheet(bounds, words("map_plan"), words("map_plan_what", place=place), legend)
    for name in names:
        maps.paint(sheet, name)
    maps.name_districts(sheet)
    maps.name_water(sheet)
    points = [n for n in names if maps.drawn[n].geometry == "point"]
    for name in points:
        maps.block_points(sheet, name)
    if centre:
        maps.name_points(sheet, "bridges", 5.6) if "bridges" in names else None
        for name in reversed(points):
            maps.name_points(sheet, name, 5.4)
    if not centre and maps.has_centre:
        _locator(maps, sheet)
    if not centre:
        maps.name_points(sheet, "townships", 5.2) if "townships" in names else None
    caption = words("caption_plan", place=place, layers=len(names))
    return maps.figure(sheet, "plan_centre" if centre else "plan", caption, words("alt_plan", place=place))  # fmt: skip


def _locator(maps: Maps, sheet: Sheet) -> None:
    # The window of the next map.
    import shapely

    frame = framed(maps.centre, (0.0, 0.0, 1.0, 1.0), 0.02)
    look = Look("polygon", ACCENT, ACCENT, 0.35, (), 0.9, 0.0)
    box = sheet.frame.on_paper([shapely.box(*frame.bounds)])
    draw(sheet.paper.ax, box, look, 45, sheet.clip)


def _plan_legend(maps: Maps, bounds: tuple, names: list[str]) -> list[Entry]:
    found = [Entry(maps.context.words("legend"))]
    for name in reversed(names):
        layer = maps.drawn[name]
        rules = maps.entries(bounds, [name], lambda d, r: maps.context.words.named(d))
        if name == "roads":
            seen: dict[str, Entry] = {}
            for one in maps.entries(bounds, [name]):
                seen.setdefault(one.text.split(" · ")[0].split(", ")[0], one)
            found += [Entry(text, one.look) for text, one in seen.items()]
        elif rules:
            # What stands comes first among a layer's rules, and stands for it here.
            found.append(Entry(maps.context.words.named(layer), rules[0].look))
    return [*found, *styles(maps)]


def bands(maps: Maps) -> Figure:
    """How many minutes to the headline's facilities, and where these are."""
    context = maps.context
    plan, words = context.results.city.analysis, context.words
    name = f"bands_{context.facilities}_{plan.headline_mode}"
    beyond = f"outside_{context.facilities}"
    kind, mode = context.kind(context.facilities), context.mode(plan.headline_mode)
    legend = [Entry(words("legend")), *reversed(maps.entries(maps.whole, [name]))]
    legend += maps.entries(maps.whole, [context.facilities], lambda d, r: f"{kind}{words('colon')}{words.named(r)}")  # fmt: skip
    if beyond in maps.drawn:
        legend += maps.entries(maps.whole, [beyond], lambda d, r: words.named(d))
    legend += maps.ground_entries(maps.whole)
    title = words("map_bands", kind=kind, mode=mode)
    sheet = maps.sheet(maps.whole, title, words("map_bands_what"), legend)
    maps.ground(sheet)
    maps.paint(sheet, name, order=RESULT_ORDER)
    if beyond in maps.drawn:
        maps.paint(sheet, beyond, order=8.9)
    maps.paint(sheet, context.facilities, order=9)
    maps.block_points(sheet, context.facilities)
    maps.name_districts(sheet)
    maps.name_water(sheet)
    maps.name_points(sheet, context.facilities)
    share = context.percent(context.share(context.whole))
    caption = words("caption_bands", kind=kind, mode=mode, minutes=f"{plan.headline_minutes:g}", share=share)  # fmt: skip
    return maps.figure(sheet, "bands", caption, words("alt_bands", kind=kind, mode=mode))


def gaps(maps: Maps) -> Figure | None:
    """Where people live who are not reached, the largest areas numbered as in the table."""
    context = maps.context
    plan, words = context.results.city.analysis, context.words
    name, table = f"gaps_{plan.headline_mode}", context.top_gaps
    if name not in maps.drawn or not len(table):
        return None
    kind, mode = context.kind(context.facilities), context.mode(plan.headline_mode)
    legend = [Entry(words("legend")), *maps.entries(maps.whole, [name])]
    legend += maps.entries(maps.whole, [context.facilities], lambda d, r: f"{kind}{words('colon')}{words.named(r)}")  # fmt: skip
    legend += maps.ground_entries(maps.whole)
    title = words("map_gaps", kind=kind, mode=mode, minutes=f"{plan.headline_minutes:g}")
    sheet = maps.sheet(maps.whole, title, words("map_gaps_what"), legend)
    maps.ground(sheet)
    maps.paint(sheet, name, order=RESULT_ORDER)
    maps.paint(sheet, context.facilities, order=9)
    maps.block_points(sheet, context.facilities)
    for number, shape in enumerate(metric(context.top_gaps, maps.crs).geometry, start=1):
        _number(sheet, shape, number)
    maps.name_districts(sheet, 7.5)
    maps.name_water(sheet)
    caption = words("caption_gaps", kind=kind, mode=mode, minutes=f"{plan.headline_minutes:g}")
    return maps.figure(sheet, "gaps", caption, words("alt_gaps", kind=kind, mode=mode))


def conflicts(maps: Maps) -> Figure | None:
    """Where layers of the plan contradict each other, numbered as in the table."""
    if "conflicts" not in maps.drawn or not len(maps.rows("conflicts")):
        return None
    words, rows = maps.context.words, maps.rows("conflicts")
    legend = [Entry(words("legend")), *maps.entries(maps.whole, ["conflicts"])]
    names = [n for n in plan_layers(maps) if maps.drawn[n].geometry != "point"]
    legend += [*_plan_legend(maps, maps.whole, names)[1:]]
    sheet = maps.sheet(maps.whole, words("map_conflicts"), words("map_conflicts_what"), legend)
    for name in names:
        maps.paint(sheet, name)
    maps.paint(sheet, "conflicts", order=10)
    for number, shape in zip(rows["rank"], rows.geometry):
        _number(sheet, shape, int(number))
    maps.name_districts(sheet, 7.5)
    maps.name_water(sheet)
    return maps.figure(sheet, "conflicts", words("caption_conflicts"), words("alt_conflicts"))


def _number(sheet: Sheet, shape: Any, number: int) -> None:
    cut = sheet.frame.on_paper([shape])
    if not len(cut):
        return
    for spot in inside(cut[0]):
        box = (spot[0] - 2.1, spot[1] - 2.1, spot[0] + 2.1, spot[1] + 2.1)
        if sheet.labels.free(box):
            break
    else:
        return
    sheet.labels.block(box)
    disc = Look("point", "#ffffff", INK, 0.3, (), 1.0, 1.0, size_mm=4.0)
    draw(sheet.paper.ax, _point(spot), disc, 40)
    sheet.paper.text(spot[0], spot[1] - 0.95, str(number), 6.2, ha="center", color="#ffffff", zorder=51, weight="bold")  # fmt: skip


def _point(spot: tuple[float, float]) -> np.ndarray:
    import shapely

    return np.array([shapely.Point(spot)])


def change(maps: Maps) -> Figure | None:
    """Where minutes change under the scenario that gains most among those that change any."""
    context, words = maps.context, maps.context.words
    told = most_changing(maps)
    if told is None:
        return None
    scenario, facilities, mode = told
    name = f"difference_{scenario}_{facilities}"
    legend = [Entry(words("legend")), *maps.entries(maps.whole, [name])]
    done = {c.do for one in chain(context.results.scenarios, scenario) for c in one.changes}
    marks = (("open", "opened", _OPENED), ("add", "added", _ADDED))
    legend += [Entry(words(key), look) for do, key, look in marks if do in done]
    legend += maps.ground_entries(maps.whole)
    title = words("map_change", scenario=context.scenario(scenario))
    what = words("map_change_what", kind=context.kind(facilities), mode=context.mode(mode))
    sheet = maps.sheet(maps.whole, title, what, legend)
    maps.ground(sheet)
    maps.paint(sheet, name, order=RESULT_ORDER)
    maps.paint(sheet, facilities, existing, order=9)
    _opened(maps, sheet, scenario)
    maps.name_districts(sheet)
    maps.name_water(sheet)
    caption = words("caption_change", scenario=context.scenario(scenario), kind=context.kind(facilities), mode=context.mode(mode))  # fmt: skip
    return maps.figure(sheet, "change", caption, words("alt_change", scenario=context.scenario(scenario)))  # fmt: skip


def most_changing(maps: Maps) -> tuple[str, str, str] | None:
    """Scenario, facilities and mode of the map of change that gains most people, or changes most land."""
    results = maps.context.results
    there = results.differences
    if not len(there):
        return None
    keys = ["scenario", "facilities", "mode"]
    sizes = there.groupby(keys, sort=False)["km2"].sum().reset_index()
    both = sizes.merge(maps.context.outcomes, on=keys, how="left")
    # Headline first, then people where their number stays, then land.
    both = both.assign(
        own=both["facilities"] == maps.context.facilities,
        stays=~both["people_change"].fillna(False).astype(bool),
        gain=both["share_gained"].fillna(0.0).round(6),
    )
    both = both.sort_values(["own", "stays", "gain", "km2"], ascending=False, kind="stable")
    return tuple(both.iloc[0][keys])


def _opened(maps: Maps, sheet: Sheet, scenario: str) -> None:
    # What the scenario opens is drawn over the map, what it adds is named.
    import geopandas as gpd
    import shapely

    results, words = maps.context.results, maps.context.words
    changes = [c for one in chain(results.scenarios, scenario) for c in one.changes]
    for one in changes:
        layers = one.get("layer", ())
        for layer in [layers] if isinstance(layers, str) else layers:
            held = results.layers.get(layer)
            if one.do == "open" and held is not None and len(held.located):
                rows = metric(held.located, maps.crs)
                hit = rows["id"].isin(one.get("ids", ())) | (rows["status"] == one.get("status"))
                shapes = sheet.frame.on_paper(rows.geometry.values[hit.to_numpy(bool)])
                look = _OPENED if held.kind.geometry == "line" else _ADDED
                shapes = shapely.boundary(shapes) if held.kind.geometry == "polygon" else shapes
                draw(sheet.paper.ax, shapes, _OPENED if held.kind.geometry == "polygon" else look, 9.5, sheet.clip)  # fmt: skip
        if one.do == "add" and one.get("at"):
            place = gpd.GeoSeries([shapely.Point(one.get("at"))], crs=4326).to_crs(maps.crs)
            cut = sheet.frame.on_paper(place.values)
            draw(sheet.paper.ax, cut, _ADDED, 9.6, sheet.clip)
            if len(cut):
                own = one.get("values", {})
                name = words.pair(own.get("name_zh", ""), own.get("name_en", "")) or str(one.get("id"))  # fmt: skip
                spot = (float(shapely.get_x(cut[0])), float(shapely.get_y(cut[0])))
                sheet.labels.block_points([spot], 3.4)
                sheet.labels.beside(spot, name, 6.4, color=ACCENT, weight="bold")
