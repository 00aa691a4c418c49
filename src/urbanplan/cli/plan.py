"""The plan as a ledger: by task or by agency, its goals, its documents, and where it contradicts itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from urbanplan.cli.options import CITY, JSON, OK, file_option
from urbanplan.cli.show import Screen, echo

if TYPE_CHECKING:
    import pandas as pd

    from urbanplan.measures.ledger import PlanBook
    from urbanplan.measures.plan import Plan

#: What the ledger's table leaves to --task, --out and --json.
_SHOWN = (
    "item", "name_zh", "name_en", "map", "values_zh", "values_en", "distance_zh", "distance_en", "missing_zh", "missing_en",
)  # fmt: skip
_WORDS = {
    "conflicts": {"zh": "一致性", "en": "consistency"},
    "targets": {"zh": "目标", "en": "goals"},
    "task": {"zh": "任务", "en": "Task"},
    "lead": {"zh": "牵头", "en": "lead"},
    "unpublished": {"zh": "未公布", "en": "not published"},
    "promised": {"zh": "承诺", "en": "promised"},
    "mapped": {"zh": "上图", "en": "on the map"},
    "located": {"zh": "有位置", "en": "located"},
    "status": {"zh": "状态", "en": "status"},
    "quality": {"zh": "数据", "en": "quality"},
    "measured": {"zh": "测得", "en": "measured"},
    "distance": {"zh": "差距", "en": "still needed"},
    "missing": {"zh": "缺少", "en": "missing"},
    "remark": {"zh": "说明", "en": "remark"},
}


@click.command()
@CITY
@click.option("--task", type=int, metavar="N", help="Everything about one task.")
@click.option("--agency", metavar="NAME", help="Only what this agency leads.")
@click.option("--by", type=click.Choice(["task", "agency"]), default="task", show_default=True)
@click.option("--targets", is_flag=True, help="Published values against the goals.")
@click.option("--conflicts", is_flag=True, help="Where its layers contradict each other.")
@click.option("--documents", is_flag=True, help="Plans of the system, by precedence.")
@file_option("--map", "Map of the conflicts (.gpkg, .geojson, .parquet).", metavar="F")
@file_option("--out", "Table to write (.csv, .parquet, .json, .xlsx).", metavar="F")
@JSON
@click.pass_obj
def plan(
    screen: Screen,
    city: str,
    task,
    agency,
    by: str,
    targets: bool,
    conflicts: bool,
    documents: bool,
    map: Path | None,
    out: Path | None,
    as_json: bool,
) -> int:
    """The plan as a ledger: what is promised, on the map, measured, still needed, missing.

    By task, or by agency; --targets, --conflicts and --documents tell the rest.
    """
    from urbanplan.door import City
    from urbanplan.output import vector

    if out is not None:
        vector.require_ending(out, table=True)
    if map is not None:
        vector.require_ending(map)
    given = {"targets": targets, "conflicts": conflicts, "documents": documents}
    asked = [name for name, there in given.items() if there]
    if len(asked) > 1:
        raise click.UsageError(f"give one of --{', --'.join(asked)}")
    what = asked[0] if asked else None
    if what and (task is not None or agency or by == "agency"):
        raise click.UsageError(
            f"--{what} is about the whole plan: leave --task, --agency and --by out"
        )
    if task is not None and by == "agency":
        raise click.UsageError("--by agency is about the whole plan: leave --task out")
    model = City(city)
    screen.of(model.profile)
    with screen.progress(), screen.stage("plan"):
        book = model.plan()
    table = _table(book, what, task, agency, by)
    if as_json:
        screen.table(table, True, title="")
    elif task is not None:
        _told(book.plan, table, screen.lang)
    else:
        _printed(screen, book, table, what, by)
    if map is not None:
        screen.written({"map": vector.write(book.conflicts, map)}, as_json=as_json)
    if out is not None:
        screen.written({"plan": vector.write_table(table, out)}, as_json=as_json)
    return OK


def _table(book: PlanBook, what: str | None, task, agency, by: str) -> pd.DataFrame:
    import pandas as pd

    from urbanplan.errors import InputError, one_of

    if what == "documents":
        return pd.DataFrame(book.plan.documents)
    if what == "conflicts":
        return pd.DataFrame(book.conflicts.drop(columns="geometry"))
    if what == "targets":
        return book.targets
    table = book.ledger
    if task is not None:
        numbers = sorted(t.number for t in book.plan.tasks)
        if task not in numbers:
            raise InputError(
                f"the plan has no task {task}", remedy=f"one of {numbers[0]} to {numbers[-1]}"
            )
        table = table[table["task"] == task]
    if agency or by == "agency":
        table = table.assign(agency=table["agencies"].str.split("; ")).explode("agency")
        table = table[table["agency"] != ""]
    if agency:
        found = table[table["agency"].str.contains(agency, regex=False)]
        if not len(found):
            names, of = sorted(set(table["agency"])), f" of task {task}" if task is not None else ""
            raise InputError(
                f"no agency '{agency}' leads anything{of}", remedy=one_of(agency, names)
            )
        table = found if by == "agency" else found.drop_duplicates("item").drop(columns="agency")
    if by == "agency":
        table = table.sort_values(["agency", "task"], kind="stable")
        table = table[["agency", *(c for c in table if c != "agency")]]
    return table.reset_index(drop=True)


def _printed(
    screen: Screen, book: PlanBook, table: pd.DataFrame, what: str | None, by: str
) -> None:
    lang = screen.lang
    aside = "（{}）" if lang == "zh" else " ({})"
    title = book.plan.about[f"title_{lang}"] + aside.format(book.plan.about["document"])
    if what == "conflicts":
        screen.table(table, False, f"{title} · {_WORDS['conflicts'][lang]}", hide=("layer_a", "layer_b"))  # fmt: skip
    elif what == "targets":
        hide = ("target", "latest_source", "note_zh", "note_en", "baseline", "baseline_year")  # fmt: skip
        screen.table(table, False, f"{title} · {_WORDS['targets'][lang]}", hide=hide)
        screen.note("没有预测：尚需为目标减最新公布值 / nothing is forecast: still needed is the goal less the latest published value")  # fmt: skip
    elif what == "documents":
        screen.table(table.drop(columns="goals"), False, title)
    else:
        place = table["located"].astype(str) + "/" + table["features"].astype(str)
        shown = table.assign(map=place.mask(table["features"] == 0, ""))
        # The screen keeps one of two languages.
        first = ["agency"] if by == "agency" else []
        screen.table(shown[[*first, *_SHOWN]], False, title)
    for finding in book.findings:
        screen.note(finding)
    if what is None and book.plan.about.get("cut_off_zh"):
        screen.note(f"{book.plan.about['cut_off_zh']} / {book.plan.about['cut_off_en']}")


def _told(plan: Plan, table: pd.DataFrame, lang: str) -> None:
    from urbanplan.catalog import STATUSES, load_catalog

    # One task as a text: a table is too narrow for what is promised.
    words = {key: pair[lang] for key, pair in _WORDS.items()}
    values = load_catalog().symbols.values
    statuses, qualities = values["status"], values["quality"]
    task = next(t for t in plan.tasks if t.number == table["task"].iloc[0])
    echo(f"{words['task']} {task.number} {task.name_zh if lang == 'zh' else task.name_en}")
    echo(f"{words['lead']}: {'; '.join(task.agencies) or words['unpublished']}")
    for row in table.to_dict("records"):
        if row["item"] != str(task.number):
            echo(f"\n{row['item']} {row[f'name_{lang}']}")
        known = "" if row["accuracy_m"] != row["accuracy_m"] else f" ±{row['accuracy_m']:,.0f} m"
        quality = " + ".join(qualities[q][lang] for q in row["quality"].split("+") if q)
        layers = row["layers" if lang == "zh" else "layers_en"]
        lines = {
            "lead": row["agencies"] if row["agencies"] != "; ".join(task.agencies) else "",
            "promised": row[f"promised_{lang}"],
            "mapped": f"{layers} ({words['located']} {row['located']})" if row["features"] else "",
            "status": ", ".join(f"{statuses[s][lang]} {row[s]}" for s in STATUSES if row[s]),
            "quality": quality + known if quality else "",
            "measured": row[f"values_{lang}"],
            "distance": row[f"distance_{lang}"],
            "missing": row[f"missing_{lang}"],
            "remark": row[f"note_{lang}"],
        }
        for key, said in lines.items():
            if said:
                echo(f"  {words[key]}: {said}")
