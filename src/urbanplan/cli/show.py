"""What a terminal shows: progress on standard error, tables and results on standard output."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from urbanplan.base.schema import is_missing
from urbanplan.cli.chinese import column, language, told, value
from urbanplan.errors import printable

if TYPE_CHECKING:
    import pandas as pd

    from urbanplan.city.profile import City
    from urbanplan.study import Results


#: At the end of a run, so many reasons why indicators cannot be told.
_REASONS = 8
#: So many rows are printed of a table that a file holds whole.
_FIRST = 30


class Screen:
    """Prints tables, keeps a progress line, and remembers what each stage cost."""

    def __init__(self, quiet: bool) -> None:
        self.quiet, self.lang = quiet, language()
        self._noted: set[str] = set()
        self._city: City | None = None
        self._status: Any = None

    @contextlib.contextmanager
    def progress(self) -> Iterator[None]:
        """Show a spinner with the current stage while the block runs."""
        if self.quiet:
            yield
            return
        from rich.console import Console

        with Console(stderr=True).status("…") as self._status:
            yield
        self._status = None

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Name what is going on."""
        if self._status is not None:
            self._status.update(_plain(name))
        yield

    def count(self, done: int, total: int) -> None:
        """How far a long stage has come."""
        if self._status is not None:
            self._status.update(f"{done:,} of {total:,}")

    def say(self, text: str) -> None:
        """What a long stage has found so far."""
        if self._status is not None:
            self._status.update(_plain(text))

    def of(self, city: City) -> City:
        """Call the districts of a city by their names in this language."""
        self._city = city
        return city

    @cached_property
    def _areas(self) -> dict[str, str]:
        # English names of districts, which tables know by their Chinese ones; read when a table is printed.
        from urbanplan.city.layers import load_layer

        if self.lang != "en" or self._city is None or not self._city.has("districts.geojson"):
            return {}
        frame = load_layer(self._city, "districts").frame
        return dict(zip(frame["name_zh"], frame["name_en"].fillna(frame["name_zh"])))

    def _cell(self, cell: Any, name: str) -> str:
        told = value(cell, name, self.lang)
        if name in ("area", "district") and isinstance(told, str):
            told = ";".join(self._areas.get(part, part) for part in told.split(";"))
        return text(told, name)

    def named(self, thing: Any) -> str:
        """What something with ``name_zh`` and ``name_en`` is called in this language."""
        return str(thing.name_zh if self.lang == "zh" else thing.name_en or thing.name_zh)

    def asked(self, city: Any, facilities: str, mode: Any) -> str:
        """The title of an answer: where, what, and how one gets there."""
        return f"{self.named(city)} · {value(facilities, 'facilities', self.lang)} · {self.named(mode)}"

    def note(self, text: str) -> None:
        """A remark on standard error, once."""
        if not self.quiet and text not in self._noted:
            self._noted.add(text)
            echo(told(text, self.lang), err=True)

    def table(
        self, table: pd.DataFrame, as_json: bool, title: str, hide: tuple[str, ...] = ()
    ) -> None:
        """Print a table for people (one language, without the columns in `hide`), or whole as JSON.

        No figure and no id is cut: where the terminal is too narrow for them, lines run on.
        """
        if as_json:
            import json

            click.echo(json.dumps(_records(table), ensure_ascii=False, indent=1))
            return
        from rich.console import Console
        from rich.markup import escape
        from rich.measure import Measurement
        from rich.table import Table

        other = "_en" if self.lang == "zh" else "_zh"
        own = "_zh" if self.lang == "zh" else "_en"
        twice = [c for c in table if c.endswith(other) and c.removesuffix(other) + own in table]
        table = table.drop(columns=[c for c in table if c in (*hide, *twice)])
        shown = Table(title=escape(printable(told(title, self.lang))))
        for name in table.columns:
            number = table[name].dtype.kind in "fi"
            shown.add_column(
                escape(self._areas.get(name, column(name, self.lang))),
                justify="right" if number else "left",
                no_wrap=number,
                overflow="fold",
            )
        for row in table.itertuples(index=False):
            shown.add_row(
                *(escape(self._cell(v, n)) for v, n in zip(row, table.columns)),
                style="red" if getattr(row, "verdict", "") == "fail" else None,
            )
        console = Console(width=None if sys.stdout.isatty() else 200)
        least = Measurement.get(console, console.options.update(width=10_000), shown).minimum
        console.width = max(console.width, least)
        console.print(shown)

    def reasons(self, table: pd.DataFrame, city: str = "") -> None:
        """Print why indicators cannot be told, in one language; nothing where all can.

        With `city`, as the end of a run: the commonest reasons, and how to see the others.
        """
        if self.quiet or not len(table):
            return
        why = [told(text, self.lang) for text in table["why"]]
        shown = table.assign(why=why)
        hide: tuple[str, ...] = ()
        if city and len(table) > _REASONS:
            shown, hide = shown.head(_REASONS), ("indicators",)
        self.table(shown, False, "why the others cannot be told", hide=hide)
        if len(shown) < len(table):
            rest = int(table["count"][_REASONS:].sum())
            self.note(f"{rest} more for other reasons: `urbanplan indicators {city}` tells them")

    def records(self, tables: Mapping[str, pd.DataFrame]) -> None:
        """Print several tables as one JSON object."""
        rows = {name: _records(table) for name, table in tables.items()}
        import json

        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))

    def headline(self, results: Results) -> None:
        """Print the one figure that the city's profile opens with."""
        plan = results.city.analysis
        hit = results.coverage.query(
            "facilities == @plan.headline_facilities and mode == @plan.headline_mode"
            " and minutes == @plan.headline_minutes"
        )
        of_land = hit["persons"].isna().all()
        for row in hit.itertuples():
            known = row.km2_share if of_land else row.share
            if known != known:
                share, amount = told("无法判断 / cannot be told", self.lang), "–"
            elif of_land:
                share, amount = text(known, "share"), f"{row.km2_covered:,.1f} km²"
            else:
                share, amount = text(known, "share"), text(row.persons_covered, "persons")
            name = plan.headline_zh if self.lang == "zh" else plan.headline_en
            echo(f"{name} · {self._cell(row.area, 'area')}: {share} ({amount})")

    def answer(
        self,
        tables: Mapping[str, pd.DataFrame],
        out: Path | None,
        as_json: bool,
        hide: tuple[str, ...] = (),
    ) -> int:
        """Print one table, named, and write it where `out` says: then its first rows are printed; the exit code."""
        from urbanplan.output import vector

        ((name, table),) = tables.items()
        table = table.reset_index(drop=True)
        table.attrs = {}
        path = None if out is None else vector.write_table(table, out)
        if path is None or as_json:
            self.table(table, as_json, name, hide)
        else:
            self.table(table.head(_FIRST), False, name, hide)
            if len(table) > _FIRST:
                self.note(f"the first {_FIRST} of {len(table):,} rows; all are in {path}")
        if path is not None:
            self.written({name: path}, as_json=as_json)
        return 0

    def written(self, files: Mapping[str, Path], *, as_json: bool = False) -> None:
        """List the files that were written; beside JSON on standard error, for programs read the other."""
        for path in files.values():
            click.echo(str(path), err=as_json)


def _plain(text: str) -> Any:
    # A name in brackets is no mark-up of the terminal's.
    from rich.text import Text

    return Text(printable(text))


def echo(text: str, *, err: bool = False) -> None:
    """Print lines that quote the data: nothing in them moves the cursor or asks the terminal."""
    click.echo(printable(text, keep="\n"), err=err)


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    import json

    return json.loads(table.to_json(orient="records", force_ascii=False))


def text(value: Any, column: str) -> str:
    """A cell as people read it: shares in per cent, big numbers with separators."""
    if is_missing(value):
        return ""
    if isinstance(value, float) and abs(value) == float("inf"):
        return "∞" if value > 0 else "−∞"
    if column.endswith("share") or column in ("share_a", "share_b"):
        return f"{value:.1%}"
    if column in ("difference", "tolerance", "gap", "worse_share"):
        return f"{value:.2%}"
    if column in ("lon", "lat"):
        return f"{value:.5f}"
    if column.startswith(("persons", "covered", "gained")):
        return f"{value:,.0f}"
    if column == "year" or (column.endswith("_year") and not column.endswith("per_year")):
        return f"{value:.0f}"
    if isinstance(value, float):
        # The rounding of a sum that is nothing must not read as a figure.
        if abs(value) < 1e-12:
            return "0"
        if abs(value) < 0.1:
            return f"{value:.3g}"
        return f"{value:,.0f}" if value == int(value) or abs(value) >= 1000 else f"{value:,.2f}"
    return printable(str(value))
