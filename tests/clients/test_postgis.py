"""The PostGIS database: on a real server, read by its own client, by QGIS, and by us."""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import pickle
import random
import secrets
import signal
import subprocess
import sys
import textwrap
import threading
import time
import traceback
from pathlib import Path
from urllib.parse import quote

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from postgres import serving

from patience import PATIENCE_S
from payloads import PAYLOADS
from townfolder import write_layer, write_town
from urbanplan import servers, study
from urbanplan.city.profile import load_city
from urbanplan.errors import (
    BusyError,
    CrsError,
    InputError,
    UnknownNameError,
    UrbanplanError,
    WebError,
    WriteError,
)
from urbanplan.output import postgis
from urbanplan.output.style import tables_of, types_of
from urbanplan.servers import Shape, Table, View
from urbanplan.servers import postgis as schema
from urbanplan.servers.postgres import Server
from urbanplan.sources.read import read_postgis

pytestmark = pytest.mark.client

#: A cell without a value, in what `psql` writes for us.
EMPTY = "∅"
#: A part of passwords that occurs nowhere else.
SECRET = "s3cr" + "3t"
VIEWS = {"v_headline", "v_quality", "v_unlocated", "v_gaps_by_district"}


@pytest.fixture(scope="module")
def server():
    with serving() as found:
        found.psql(
            """
            CREATE ROLE writer LOGIN PASSWORD 'w';
            GRANT CREATE ON DATABASE plans TO writer;
            CREATE ROLE guest LOGIN PASSWORD 'g';
            """
        )
        yield found


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    return study.run(load_city(write_town(tmp_path_factory.mktemp("pg") / "town")))


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    """The same town a year later: another name on every hospital."""
    folder = write_town(tmp_path_factory.mktemp("pg") / "town")
    import gridtown

    spot = shapely.Point(gridtown.centre(1, 1))
    write_layer(folder, "hospitals", [("h1", spot, {"beds": 200, "name_zh": "新院"})])
    return study.run(load_city(folder))


@pytest.fixture
def place(server):
    """A schema that nobody uses."""
    name = f"s_{secrets.token_hex(4)}"
    yield name
    server.psql(f'DROP SCHEMA IF EXISTS "{name}" CASCADE')


def rows(server, sql: str, **more) -> list[list[str]]:
    text = server.psql(f"COPY ({sql}) TO STDOUT (FORMAT csv, NULL '{EMPTY}')", **more)
    return list(csv.reader(io.StringIO(text + "\n"), lineterminator="\n")) if text else []


def content(server, place: str) -> str:
    """One hash over every table, row, column type, comment, index, view and right of a schema."""
    names = [r[0] for r in rows(server, f"SELECT relname FROM pg_class WHERE relnamespace = '\"{place}\"'::regnamespace AND relkind IN ('r', 'v') ORDER BY relname COLLATE \"C\"")]  # fmt: skip
    parts = []
    for name in names:
        what = f'"{place}"."{name}"'
        columns = "to_jsonb(t) - 'loaded_at'"
        parts.append(
            f"SELECT '{name}', md5(coalesce(string_agg(({columns})::text, E'\\n'"
            f" ORDER BY ({columns})::text), '')) FROM {what} t"
        )
    space = f"'\"{place}\"'::regnamespace"
    about = f"""
        SELECT c.relname, c.relkind, c.relacl, obj_description(c.oid), a.attname,
        format_type(a.atttypid, a.atttypmod), col_description(c.oid, a.attnum)
        FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
        WHERE c.relnamespace = {space} ORDER BY c.relname COLLATE "C", a.attnum;
        SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = '{place}'
        ORDER BY indexname COLLATE "C";
        SELECT viewname, definition FROM pg_views WHERE schemaname = '{place}' ORDER BY viewname"""
    return server.psql(";".join([*parts, about]))


def same(value, cell: str) -> bool:
    """Whether a cell that PostgreSQL printed is the value of a frame."""
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return cell == EMPTY
    if isinstance(value, bool | np.bool_):
        return cell == ("t" if value else "f")
    if isinstance(value, float | int | np.number):
        return cell != EMPTY and float(cell) == float(value)
    return cell == str(value)


def require_all_there(server, place: str, results) -> None:
    """Every table, row, column and geometry is as in the results."""
    frames, types = tables_of(results), types_of(results)
    there = {
        r[0] for r in rows(server, f"SELECT tablename FROM pg_tables WHERE schemaname = '{place}'")
    }
    assert there == {*frames, "_run", "_run_inputs"}
    for name, frame in frames.items():
        plain = frame.drop(columns="geometry") if name in types else frame
        key = "fid" if "id" not in frame else "id"
        columns = ", ".join(f'"{c}"' for c in plain)
        wkb = ", encode(ST_AsBinary(geometry), 'hex'), ST_SRID(geometry)" if name in types else ""
        order = "fid" if key == "fid" else "array_position($$%s$$::text[], id::text)" % (
            "{" + ",".join(json.dumps(str(i)) for i in frame["id"]) + "}"
        )  # fmt: skip
        found = rows(server, f'SELECT {columns}{wkb} FROM "{place}"."{name}" ORDER BY {order}')
        assert len(found) == len(frame), name
        for row, values in zip(found, plain.itertuples(index=False)):
            for column, value, cell in zip(plain, values, row):
                assert same(value, cell), (name, column, value, cell)
        if name not in types:
            continue
        for row, shape in zip(found, frame.geometry):
            if shape is None or pd.isna(shape):
                assert row[-2:] == [EMPTY, EMPTY]
                continue
            made = shapely.from_wkb(bytes.fromhex(row[-2]))
            assert made.geom_type == types[name] and row[-1] == "4490"
            assert shapely.equals_exact(made.normalize(), promoted(shape, types[name]), 1e-9)


def promoted(shape, kind: str):
    single = not shape.geom_type.startswith("Multi") and kind.startswith("Multi")
    return (getattr(shapely, kind)([shape]) if single else shape).normalize()


# What is written


@pytest.fixture(scope="module")
def luzhou_there(server, atlas):
    """The embedded city, written once: (results, schema)."""
    server.psql("CREATE ROLE planners NOLOGIN; CREATE ROLE ann LOGIN PASSWORD 'a' IN ROLE planners")
    written = postgis.write(atlas[0], server.dsn(), "luzhou", readers="planners")
    assert written["parks"] == len(atlas[0].layers["parks"].frame)
    return atlas[0]


def test_every_layer_row_and_column_is_there(server, luzhou_there):
    require_all_there(server, "luzhou", luzhou_there)


def test_geometry_is_declared_for_every_client(server, luzhou_there):
    found = rows(server, "SELECT f_table_name, f_geometry_column, coord_dimension, srid, type FROM geometry_columns WHERE f_table_schema = 'luzhou' AND f_table_name NOT LIKE 'v\\_%'")  # fmt: skip
    types = types_of(luzhou_there)
    assert {r[0]: r[4] for r in found} == {n: t.upper() for n, t in types.items()}
    assert {tuple(r[1:4]) for r in found} == {("geometry", "2", "4490")}


def test_keys_and_indexes(server, luzhou_there):
    found = rows(server, "SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'luzhou'")
    of = {t: " ".join(d for n, d in found if n == t) for t, _ in found}
    assert "UNIQUE INDEX parks_pkey" in of["parks"] and "btree (id)" in of["parks"]
    assert "btree (fid)" in of["result_bands"]
    for name in types_of(luzhou_there):
        assert "USING gist (geometry)" in of[name], name
    for name in luzhou_there.layers:
        assert all(f"btree ({c})" in of[name] for c in ("district", "status", "quality", "kind"))
    asked = [n for n, frame in tables_of(luzhou_there).items() if "facilities" in frame]
    assert {"result_bands", "result_isochrones", "result_coverage"} <= set(asked)
    for name in asked:
        third = ", minutes" if "minutes" in tables_of(luzhou_there)[name] else ""
        assert f"btree (facilities, mode{third}" in of[name], name


def test_comments_say_what_it_is_and_what_it_is_worth(server, luzhou_there):
    about = dict(rows(server, "SELECT relname, obj_description(oid) FROM pg_class WHERE relnamespace = 'luzhou'::regnamespace AND relkind IN ('r', 'v')"))  # fmt: skip
    assert all(text != EMPTY for text in about.values())
    assert about["parks"].startswith("公园 / Parks\n来源 Source: OpenStreetMap, ")
    counts = luzhou_there.layers["parks"].frame["quality"].value_counts()
    assert min(counts["schematic"], counts["derived"]) > 10
    assert all(f"{quality}: {n}" in about["parks"] for quality, n in counts.items())
    assert luzhou_there.city.notice_zh in about["parks"]
    assert about["result_bands"].startswith("等时圈 / Bands")
    assert "许可 Licence: " in about["roads"] and "精度 Accuracy: ± " in about["roads"]
    words = rows(server, "SELECT c.relname, a.attname, col_description(c.oid, a.attnum) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE relnamespace = 'luzhou'::regnamespace AND relkind = 'r' AND attnum > 0")  # fmt: skip
    said = {(t, c): w for t, c, w in words}
    assert said["parks", "name_zh"] == "名称 / Name (Chinese)"
    assert said["parks", "area_ha_published"] == "公布面积 / Published area (ha)"
    assert (
        said["result_demand", "hospitals_walk_min"] == "医院 · 步行（分钟） / Hospitals, walk (min)"
    )
    silent = {c for (t, c), w in said.items() if w == EMPTY and t in luzhou_there.layers}
    assert not silent
    schema_comment = server.psql("SELECT obj_description('luzhou'::regnamespace)")
    assert schema_comment.startswith(f"urbanplan: luzhou\n{luzhou_there.city.name_zh}")


def test_the_run_says_where_it_comes_from(server, luzhou_there):
    city = luzhou_there.city
    found = rows(server, "SELECT city, urbanplan, notice_zh, notice_en, loaded_at > now() - interval '1 hour' FROM luzhou._run")  # fmt: skip
    from urbanplan import __version__

    assert found == [[city.id, __version__, city.notice_zh, city.notice_en, "t"]]
    inputs = dict(rows(server, "SELECT input, sha256 FROM luzhou._run_inputs"))
    assert all(inputs[n] == layer.sha256 for n, layer in luzhou_there.layers.items())


def test_views(server, luzhou_there):
    plan, coverage = luzhou_there.city.analysis, luzhou_there.coverage  # noqa: F841
    head = coverage.query(
        "facilities == @plan.headline_facilities and mode == @plan.headline_mode"
        " and minutes == @plan.headline_minutes"
    )
    found = rows(server, "SELECT area, persons_covered FROM luzhou.v_headline ORDER BY fid")
    assert [[a, float(p)] for a, p in found] == head[["area", "persons_covered"]].values.tolist()
    unlocated = rows(server, "SELECT layer, id FROM luzhou.v_unlocated")
    wanted = [
        [n, i]
        for n, layer in luzhou_there.layers.items()
        if layer.kind.geometry != "none"
        for i in layer.frame["id"][layer.frame.geometry.isna()]
    ]
    assert sorted(unlocated) == sorted(wanted) and len(wanted) > 20
    counts = rows(server, "SELECT layer, sum(features), sum(located) FROM luzhou.v_quality GROUP BY 1")  # fmt: skip
    for name, features, located in counts:
        layer = luzhou_there.layers[name]
        assert (int(features), int(located)) == (len(layer.frame), len(layer.located)), name
    gaps = luzhou_there.gaps.groupby(["mode", "area"])["persons"].sum()
    summed = rows(server, "SELECT mode, district, persons FROM luzhou.v_gaps_by_district")
    assert {(m, d): pytest.approx(float(p)) for m, d, p in summed} == gaps.to_dict()


def test_the_same_run_leaves_the_same_content(server, place, town):
    postgis.write(town, server.dsn(), place)
    once = content(server, place)
    for _ in range(2):
        postgis.write(town, server.dsn(), place)
        assert content(server, place) == once
    require_all_there(server, place, town)


def test_another_run_replaces_all_of_it(server, place, town, grown):
    postgis.write(town, server.dsn(), place)
    postgis.write(grown, server.dsn(), place)
    require_all_there(server, place, grown)


def test_another_coordinate_system(server, place, town):
    postgis.write(town, server.dsn(), place, crs="EPSG:4544")
    found = read_postgis(server.dsn(), place, "districts")
    assert found.crs == "EPSG:4544"
    wanted = town.layers["districts"].frame.set_crs(4490, allow_override=True).to_crs(4544)
    assert found.set_index("id").area.round().equals(wanted.set_index("id").area.round())
    with pytest.raises(CrsError, match="no EPSG code"):
        postgis.write(town, server.dsn(), place, crs="+proj=ortho +lat_0=29 +lon_0=105")
    with pytest.raises(WebError, match="does not know the coordinate system 9518"):
        postgis.write(town, server.dsn(), place, crs="EPSG:9518")


# All or nothing


def small(tag: str, size: int = 3) -> list[Table]:
    frame = gpd.GeoDataFrame(
        {"id": [str(i) for i in range(size)], "tag": tag},
        geometry=shapely.points(np.arange(size) / size + 105, 29),
        crs=4490,
    )
    return [
        Table(n, frame.copy(), Shape("Point", 4490), indexes=[("tag",)]) for n in ("a", "b", "c")
    ]


SEEN = View("v", lambda at: f"SELECT count(*) AS n FROM {at('a')}")


def put(server, place, tag="one", size=3, **more):
    return servers.replace(server.dsn(), place, small(tag, size), [SEEN], owner="t", **more)


def test_a_failure_anywhere_leaves_the_old(server, place, monkeypatch):
    """Every single question of a write fails once."""
    put(server, place)
    before, whole, asked = content(server, place), Server._exchange, itertools.count()
    for fail_at in itertools.count():
        asked = itertools.count()

        def exchange(self, call, seconds):
            # The first two sign in.
            if next(asked) == fail_at:  # noqa: B023
                raise WebError("is on fire")
            return whole(self, call, seconds)

        monkeypatch.setattr(Server, "_exchange", exchange)
        try:
            put(server, place, "two")
            break
        except UrbanplanError as err:
            assert "fire" in str(err)
        finally:
            monkeypatch.setattr(Server, "_exchange", whole)
        assert content(server, place) == before, fail_at
    assert fail_at > 15
    after = content(server, place)
    assert after != before and "two" in server.psql(f"SELECT tag FROM {place}.a")


def test_a_commit_that_is_not_confirmed_is_said_to_be_so(server, place, monkeypatch):
    whole = Server._exchange

    def exchange(self, call, seconds):
        found = whole(self, call, seconds)
        if getattr(call, "args", None) == ("COMMIT",):
            self.close()
            raise WebError("hung up")
        return found

    monkeypatch.setattr(Server, "_exchange", exchange)
    with pytest.raises(WriteError, match="does not confirm"):
        put(server, place)


def test_ctrl_c_leaves_the_old(server, place, monkeypatch):
    put(server, place)
    before = content(server, place)

    def rows_then_stop(*_args):
        yield b"0\tx\t\\N\n"
        raise KeyboardInterrupt

    monkeypatch.setattr(schema, "rows_of", rows_then_stop)
    with pytest.raises(KeyboardInterrupt):
        put(server, place, "two")
    monkeypatch.undo()
    put(server, place)
    assert content(server, place) == before


#: Writes what it was given once for each line that it is told, in a child that can be killed.
WORKER = """
import os, pickle, sys
from urbanplan.output import postgis
with open(sys.argv[1], "rb") as file:
    results = pickle.load(file)
print("ready", flush=True)
while place := sys.stdin.readline():
    child = os.fork()
    if child == 0:
        postgis.write(results, os.environ["URBANPLAN_DSN"], place.strip())
        os._exit(0)
    print(child, flush=True)
    # Not buried before the test has had its chance to kill it.
    sys.stdin.readline()
    print(os.waitpid(child, 0)[1], flush=True)
"""


def test_a_kill_at_any_moment_leaves_the_old_or_the_new(server, place, town, grown, tmp_path):
    """kill -9 of the writing process, at moments spread over the whole of its work."""
    postgis.write(town, server.dsn(), place)
    old = content(server, place)
    postgis.write(grown, server.dsn(), place)
    new, kept = content(server, place), tmp_path / "results"
    kept.write_bytes(pickle.dumps(grown))
    chance, outcomes, waits = random.Random(7), [], []
    with subprocess.Popen(
        [sys.executable, "-c", WORKER, str(kept)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
        env={**os.environ, "URBANPLAN_DSN": server.dsn(), "OPENBLAS_NUM_THREADS": "1"},
    ) as worker:  # fmt: skip
        assert worker.stdout.readline() == "ready\n"

        def write(seconds: float | None) -> float:
            """Write for so long, then kill; how long it took where it is left alone."""
            worker.stdin.write(f"{place}\n")
            began, child = time.monotonic(), int(worker.stdout.readline())
            if seconds is not None:
                time.sleep(seconds)
                os.kill(child, signal.SIGKILL)
            worker.stdin.write("\n")
            status = int(worker.stdout.readline())
            assert status in ((0,) if seconds is None else (0, signal.SIGKILL))
            return time.monotonic() - began

        took = min(write(None) for _ in range(2))
        assert content(server, place) == new
        while outcomes.count("old") < 10:
            assert len(outcomes) < 60
            # Whatever happened, the next write works at once.
            postgis.write(town, server.dsn(), place)
            assert content(server, place) == old
            waits.append((len(waits) % 10 + chance.random()) / 10 * took)
            write(waits[-1])
            found = content(server, place)
            assert found in (old, new), waits
            outcomes.append("old" if found == old else "new")
        worker.stdin.close()
    assert max(waits) > 0.8 * took
    assert not rows(server, f"SELECT relname FROM pg_class WHERE relnamespace = '{place}'::regnamespace AND relname LIKE '\\_\\_%'")  # fmt: skip


def test_a_reader_sees_the_old_or_the_new(server, place):
    """Readers that hold transactions open, in every order of tables, while all is replaced."""
    put(server, place, "v0", 400)
    stop, seen, wrong, chance = threading.Event(), set(), [], random.Random(7)

    def reading(order):
        with servers.connect(server.dsn()) as asker:
            while not stop.is_set():
                try:
                    asker.do("BEGIN")
                    tags = [
                        asker.ask(f"SELECT min(tag), max(tag), count(*) FROM {place}.{t}")[0]
                        for t in order
                    ]
                    asker.do("COMMIT")
                except UrbanplanError as err:
                    wrong.append(str(err))
                    return
                if len({tuple(t) for t in tags}) != 1 or tags[0][0] != tags[0][1]:
                    wrong.append(tags)
                seen.add(tags[0][0])
                time.sleep(chance.random() * 0.03)

    readers = [threading.Thread(target=reading, args=(o,)) for o in itertools.permutations("abc")]
    for reader in readers:
        reader.start()
    try:
        for n in range(1, 13):
            put(server, place, f"v{n}", 400)
    finally:
        stop.set()
        for reader in readers:
            reader.join(30)
    assert not wrong and len(seen) >= 10, (wrong, seen)


def test_a_reader_who_does_not_let_go_is_named(server, place, monkeypatch):
    put(server, place)
    before = content(server, place)
    monkeypatch.setattr(schema, "_ROUNDS", 2)
    with servers.connect(server.dsn()) as other:
        other.do(f"BEGIN; SELECT * FROM {place}.b")
        with pytest.raises(BusyError, match="has been reading the schema"):
            put(server, place, "two")
        # A new reader is not held up by the writer who waits.
        other.do(f"SELECT * FROM {place}.a; COMMIT")
    assert content(server, place) == before


def test_two_writers_do_not_mix(server, place, monkeypatch):
    put(server, place)
    monkeypatch.setattr(schema, "_WAIT_MS", 200)
    with servers.connect(server.dsn()) as first, first.transaction():
        schema._lock_out(first, place)
        with pytest.raises(BusyError, match="another urbanplan is writing the schema"):
            put(server, place, "two")
        # Another schema is nobody's business.
        put(server, f"{place}_x")
    server.psql(f"DROP SCHEMA {place}_x CASCADE")
    monkeypatch.undo()
    writers = [threading.Thread(target=put, args=(server, place, t, 2000)) for t in ("x", "y")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(30)
    tags = rows(server, " UNION ALL ".join(f"SELECT DISTINCT tag FROM {place}.{t}" for t in "abc"))
    assert len(tags) == 3 and len({t[0] for t in tags}) == 1


# Whose tables


def test_what_others_put_beside_ours_stays(server, place):
    put(server, place)
    server.psql(f"CREATE TABLE {place}.notes AS SELECT 1 AS n; CREATE VIEW {place}.w AS SELECT 2 AS n")  # fmt: skip
    put(server, place, "two")
    assert server.psql(f"SELECT n FROM {place}.notes; SELECT n FROM {place}.w") == "1\n2"


def test_a_table_that_is_no_longer_made_goes(server, place):
    put(server, place)
    servers.replace(server.dsn(), place, small("two")[:1], owner="t")
    left = rows(server, f"SELECT relname FROM pg_class WHERE relnamespace = '{place}'::regnamespace AND relkind IN ('r', 'v')")  # fmt: skip
    assert left == [["a"]]


def refused(server, place, says, kind=WriteError):
    before = content(server, place)
    with pytest.raises(kind, match=says) as found:
        put(server, place, "two")
    assert "\n" not in str(found.value) and "→" in str(found.value)
    assert content(server, place) == before


def test_a_table_of_others_in_the_way_is_not_replaced(server, place):
    put(server, place)
    server.psql(f"DROP VIEW {place}.v; DROP TABLE {place}.b; CREATE TABLE {place}.b AS SELECT 1 AS n")  # fmt: skip
    refused(server, place, "'b' in the schema .* was not written by urbanplan")
    server.psql(f"DROP TABLE {place}.b; CREATE TYPE {place}.b AS (n int)")
    refused(server, place, "'b' in the schema .* was not written by urbanplan")


def test_a_table_whose_comment_was_taken_is_not_replaced(server, place):
    put(server, place)
    server.psql(f"COMMENT ON TABLE {place}.c IS 'mine now'")
    refused(server, place, "'c' in the schema .* was not written by urbanplan")


def test_what_others_built_on_ours_is_not_dropped(server, place):
    put(server, place)
    server.psql(f"CREATE VIEW public.mine AS SELECT * FROM {place}.a")
    try:
        refused(server, place, r"keeps what others built on these tables \(view .*mine depends on")
    finally:
        server.psql("DROP VIEW public.mine")
    server.psql(f"CREATE TABLE public.mine (id text REFERENCES {place}.a)")
    try:
        refused(server, place, "keeps what others built on these tables")
    finally:
        server.psql("DROP TABLE public.mine")


def test_a_schema_of_others_is_not_taken(server, place):
    server.psql(f"CREATE SCHEMA {place}; CREATE TABLE {place}.x AS SELECT 1 AS n")
    refused(server, place, "holds what urbanplan did not write")
    server.psql(f"DROP TABLE {place}.x; CREATE FUNCTION {place}.f() RETURNS int LANGUAGE sql AS 'SELECT 1'")  # fmt: skip
    refused(server, place, "holds what urbanplan did not write")
    server.psql(f"DROP FUNCTION {place}.f; CREATE DOMAIN {place}.d AS text")
    refused(server, place, "holds what urbanplan did not write")
    server.psql(f"DROP DOMAIN {place}.d; COMMENT ON SCHEMA {place} IS 'for drawings'")
    put(server, place)
    with pytest.raises(WriteError, match="holds what urbanplan did not write"):
        servers.replace(server.dsn(), "public", small("x"), owner="t")


def test_a_schema_of_another_city_is_not_taken(server, place):
    put(server, place)
    before = content(server, place)
    with pytest.raises(WriteError, match="holds 't'"):
        servers.replace(server.dsn(), place, small("x"), owner="u")
    assert content(server, place) == before


def test_a_writer_needs_no_more_than_a_schema_of_their_own(server, place):
    server.psql(f"CREATE SCHEMA {place} AUTHORIZATION guest")
    dsn = server.dsn(user="guest", password="g")
    for tag in ("one", "two"):
        servers.replace(dsn, place, small(tag), [SEEN], owner="t")
    assert "two" in server.psql(f"SELECT tag FROM {place}.a")
    dsn = server.dsn(user="writer", password="w")
    with pytest.raises(WebError, match=r"does not allow that \(permission denied"):
        servers.replace(dsn, place, small("three"), [SEEN], owner="t")
    servers.replace(dsn, f"{place}_w", small("one"), owner="t")
    server.psql(f"DROP SCHEMA {place}_w CASCADE")


# Names and values


HOSTILE = (
    'a"; DROP SCHEMA luzhou CASCADE; --',
    "'); DROP TABLE x; --",
    "%s %I :name $1 $$ ? {0}",
    "\\",
    "/* 区 */",
    "区" * 21,
    "𝒳 \u202e x",
    "tab\tnew\nline",
    " ",
    "SELECT",
)


def test_hostile_names_are_names(server, place):
    frame = pd.DataFrame([list(range(len(HOSTILE)))], columns=list(HOSTILE))
    space = f'{place} "x"; --'
    tables = [Table(n, frame, comment=n, words={c: c for c in HOSTILE}, indexes=[HOSTILE[:2]]) for n in HOSTILE]  # fmt: skip
    views = [View(f"v{n}"[:20], lambda at, n=n: f"SELECT * FROM {at(n)}", n) for n in HOSTILE]
    try:
        for _ in range(2):
            servers.replace(server.dsn(), space, tables, views, owner="'; --", readers='r"; --')
        found = json.loads(
            server.psql(
                "SELECT jsonb_agg(jsonb_build_array(c.relname, obj_description(c.oid), a.attname,"
                " col_description(c.oid, a.attnum))) FROM pg_class c JOIN pg_attribute a"
                " ON a.attrelid = c.oid WHERE relkind = 'r' AND attnum > 1 AND relnamespace ="
                f" (SELECT oid FROM pg_namespace WHERE nspname = $x${space}$x$)"
            )
        )
        assert {(t, c) for t, _, c, _ in found} == set(itertools.product(HOSTILE, HOSTILE))
        assert all(about == f"{t}\n{schema.OURS}".strip() and (w or "") == c.strip() for t, about, c, w in found)  # fmt: skip
    finally:
        quoted = space.replace('"', '""')
        server.psql(f'DROP SCHEMA "{quoted}" CASCADE; DROP ROLE "r""; --"')


VALUES = (*PAYLOADS, *HOSTILE, "", "\\N", "\\.", "NULL", "a\tb\nc\r\\d", "'", '"', "\x01\x7f\ufeff")


def test_hostile_values_are_values(server, place):
    frame = gpd.GeoDataFrame(
        {"id": [str(i) for i in range(len(VALUES))], "text": list(VALUES), "none": None},
        geometry=shapely.points(np.arange(len(VALUES)), 1),
        crs=4490,
    )
    table = Table("t", frame, Shape("Point", 4490), comment=VALUES[3], words={"text": VALUES[4]})
    servers.replace(server.dsn(), place, [table], owner="t")
    there = server.psql(f"SELECT jsonb_object_agg(id, text) FROM {place}.t")
    assert json.loads(there) == dict(zip(frame["id"], VALUES))
    back = read_postgis(server.dsn(), place, "t").set_index("id").loc[frame["id"]]
    assert list(back["text"]) == list(VALUES) and back["none"].isna().all()


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(
            st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
            st.none() | st.floats(),
            st.none() | st.booleans(),
            st.none() | st.integers(-(2**63), 2**63 - 1),
            st.none() | st.datetimes().map(pd.Timestamp),
        )
    )
)
def test_any_values_come_back(server, rows):
    names = ["text", "number", "flag", "whole", "moment"]
    frame = pd.DataFrame(rows, columns=names, dtype=object)
    frame["moment"] = pd.to_datetime(frame["moment"]).astype("datetime64[us]")
    shaped = gpd.GeoDataFrame(frame, geometry=[shapely.Point(1, 2)] * len(frame), crs=4490)
    servers.replace(server.dsn(), "any", [Table("t", shaped, Shape("Point", 4490))], owner="t")
    back = read_postgis(server.dsn(), "any", "t")
    assert len(back) == len(rows) and back.crs == "EPSG:4490"
    for name, column in zip(names, zip(*rows) if rows else [()] * 5):
        for wanted, found in zip(column, back[name]):
            if wanted is None or wanted != wanted:
                assert pd.isna(found)
            else:
                assert type(wanted)(found) == wanted, name


def test_names_that_would_be_cut_are_refused(server, place):
    frame = pd.DataFrame({"n": [1]})
    for space, table, column in (("s" * 64, "t", "c"), (place, "区" * 22, "c"), (place, "t", "c" * 64)):  # fmt: skip
        with pytest.raises(InputError, match="PostgreSQL keeps 63"):
            named = frame.rename(columns={"n": column})
            servers.replace(server.dsn(), space, [Table(table, named)], owner="t")
    with pytest.raises(InputError, match="two tables are called 't'"):
        servers.replace(server.dsn(), place, [Table("t", frame)] * 2, owner="t")
    assert server.psql(f"SELECT count(*) FROM pg_namespace WHERE nspname = '{place}'") == "0"
    long = Table("t" * 63, frame.rename(columns={"n": "c" * 63}), indexes=[("c" * 63,)])
    for _ in range(2):
        servers.replace(server.dsn(), place, [long], owner="t")
    indexes = rows(server, f"SELECT indexname FROM pg_indexes WHERE schemaname = '{place}'")
    assert len(indexes) == 2 and not any(n.startswith("__") for (n,) in indexes)


def test_text_that_cannot_be_held_leaves_the_old(server, place):
    put(server, place)
    before = content(server, place)
    tables = small("two")
    tables[2].frame.loc[1, "tag"] = "a\0b"
    with pytest.raises(InputError, match="c: column 'tag' holds the text"):
        servers.replace(server.dsn(), place, tables, owner="t")
    assert content(server, place) == before


def test_columns_called_like_our_key(server, place):
    frame = pd.DataFrame({"id": [1, 1], "fid": [7, 7], "fid_0": [8, 8]})
    servers.replace(server.dsn(), place, [Table("t", frame)], owner="t")
    assert server.psql(f"SELECT fid_1, id, fid FROM {place}.t") == "1|1|7\n2|1|7"


def test_tables_without_rows(server, place):
    empty = gpd.GeoDataFrame({"id": [], "accuracy_m": []}, geometry=[], crs=4490)
    tables = [Table("t", empty, Shape("MultiPolygon", 4490), numbers=["accuracy_m"])]
    servers.replace(server.dsn(), place, tables, owner="t")
    back = read_postgis(server.dsn(), place, "t")
    assert len(back) == 0 and back.crs == "EPSG:4490" and list(back) == list(empty)


# Who may read


def test_readers_read_and_do_nothing_more(server, luzhou_there):
    def ann(sql):
        return server.psql(sql, user="ann", password="a")

    names = [r[0] for r in rows(server, "SELECT relname FROM pg_class WHERE relnamespace = 'luzhou'::regnamespace AND relkind IN ('r', 'v')")]  # fmt: skip
    assert {*VIEWS, *luzhou_there.layers, "result_coverage", "_run"} <= set(names)
    for name in names:
        ann(f"SELECT count(*) FROM luzhou.{name}")
    for sql in (
        "INSERT INTO luzhou._run_inputs (fid) VALUES (99)",
        "UPDATE luzhou.parks SET name_zh = 'x'",
        "DELETE FROM luzhou.parks",
        "TRUNCATE luzhou.parks",
        "DROP TABLE luzhou.parks",
        "ALTER TABLE luzhou.parks ADD COLUMN x int",
        "CREATE TABLE luzhou.x (n int)",
        "COMMENT ON TABLE luzhou.parks IS 'x'",
        "DELETE FROM luzhou.v_unlocated",
    ):
        with pytest.raises(AssertionError, match=r"permission denied|must be owner|cannot"):
            ann(sql)
    with pytest.raises(AssertionError, match="permission denied"):
        server.psql("SELECT * FROM luzhou.parks", user="guest", password="g")
    seen = read_postgis(server.dsn(user="ann", password="a"), "luzhou", "parks")
    assert len(seen) == int(server.psql("SELECT count(*) FROM luzhou.parks")) > 20


def test_rights_to_read_outlive_the_next_write(server, place):
    put(server, place)
    server.psql(f"GRANT USAGE ON SCHEMA {place} TO guest; GRANT SELECT, INSERT ON {place}.a TO guest; GRANT SELECT ON {place}.b TO PUBLIC")  # fmt: skip
    put(server, place, "two")
    assert "two" in server.psql(f"SELECT tag FROM {place}.a", user="guest", password="g")
    assert "two" in server.psql(f"SELECT tag FROM {place}.b", user="guest", password="g")
    for sql in (f"SELECT * FROM {place}.c", f"INSERT INTO {place}.a VALUES ('9')"):
        with pytest.raises(AssertionError, match="permission denied"):
            server.psql(sql, user="guest", password="g")


def test_readers_are_made_where_that_is_allowed(server, place):
    role = f"Leser {place}"
    with pytest.raises(WebError, match=r"has no role .* may not make one.*CREATE ROLE") as found:
        servers.replace(server.dsn(user="writer", password="w"), place, small("x"), owner="t", readers=role)  # fmt: skip
    assert "\n" not in str(found.value)
    put(server, place, readers=role)
    assert server.psql(f"SELECT rolcanlogin FROM pg_roles WHERE rolname = '{role}'") == "f"
    server.psql(f'DROP OWNED BY "{role}"; DROP ROLE "{role}"')
    for name in ("public", "PUBLIC", "none", "pg_read_all_data"):
        with pytest.raises(InputError, match="cannot be the name of readers"):
            put(server, place, readers=name)


def test_a_role_that_may_write_is_no_reader(server, place):
    with pytest.raises(WriteError, match="may do more than read"):
        put(server, place, readers="chief")
    assert server.psql(f"SELECT count(*) FROM pg_namespace WHERE nspname = '{place}'") == "0"


# What is read


def test_what_is_read_equals_what_was_written(server, luzhou_there):
    for name, frame in tables_of(luzhou_there).items():
        if name not in types_of(luzhou_there):
            continue
        back = read_postgis(server.dsn(), "luzhou", name)
        assert back.crs == "EPSG:4490" and list(back.drop(columns="fid", errors="ignore")) == list(frame)  # fmt: skip
        back = back.set_index("id").loc[frame["id"]].reset_index() if "id" in frame else back
        for column in frame.columns.drop("geometry"):
            for wanted, found in zip(frame[column], back[column]):
                if pd.isna(wanted):
                    assert pd.isna(found), (name, column)
                else:
                    assert wanted == found, (name, column)
        for wanted, found in zip(frame.geometry, back.geometry):
            if found is None:
                assert wanted is None or pd.isna(wanted)
            else:
                assert promoted(wanted, found.geom_type).equals_exact(found.normalize(), 1e-9)


@pytest.fixture(scope="module")
def oddities(server):
    """Tables of others, as they are found in the wild."""
    server.psql(
        """
        CREATE SCHEMA odd;
        CREATE TABLE odd.two (id int PRIMARY KEY, geom geometry(Point, 4326), at geometry(Point, 4544), n numeric, d date, j jsonb);
        INSERT INTO odd.two SELECT i, ST_SetSRID(ST_MakePoint(i, 1), 4326), ST_SetSRID(ST_MakePoint(500000 + i, 1), 4544), i / 4.0, '2020-01-01', '{"a": 1}' FROM generate_series(50, 1, -1) i;
        CREATE TABLE odd.plain (n int);
        CREATE TABLE odd.unknown AS SELECT 1 AS id, ST_MakePoint(1, 2) AS geom;
        CREATE TABLE odd.mixed AS SELECT ST_SetSRID(ST_MakePoint(1, 2), 4326) AS geom UNION ALL SELECT ST_SetSRID(ST_MakePoint(1, 2), 4490);
        CREATE TABLE odd.ball (n int, place geography(Point, 4326));
        INSERT INTO odd.ball VALUES (1, 'POINT(105 29)'), (NULL, NULL);
        CREATE DOMAIN odd.spot AS geometry(Point, 4490);
        CREATE TABLE odd.named (geom odd.spot, flag bool, at timestamptz);
        INSERT INTO odd.named VALUES ('SRID=4490;POINT(1 2)', NULL, '2020-01-01 08:00+08'), (NULL, true, 'infinity');
        INSERT INTO spatial_ref_sys VALUES (990001, NULL, NULL, 'PROJCS["own",GEOGCS["CGCS2000",DATUM["China_2000",SPHEROID["CGCS2000",6378137,298.257222101]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],PARAMETER["latitude_of_origin",0],PARAMETER["central_meridian",105.25],PARAMETER["scale_factor",1],PARAMETER["false_easting",500000],PARAMETER["false_northing",0],UNIT["metre",1]]', '');
        CREATE TABLE odd.own AS SELECT ST_SetSRID(ST_MakePoint(500000, 3200000), 990001) AS geom;
        CREATE TABLE odd.lost AS SELECT ST_SetSRID(ST_MakePoint(1, 2), 990002) AS geom;
        CREATE VIEW odd.empty AS SELECT * FROM odd.ball WHERE false;
        CREATE VIEW odd.bare AS SELECT ST_SetSRID(ST_MakePoint(1, 2), 4490) AS geom WHERE false;
        CREATE VIEW odd.slow AS SELECT 1 AS n, ST_SetSRID(ST_MakePoint(pg_sleep(30) IS NULL AND false AND true, 2)::geometry, 4490) AS geom FROM odd.plain;
        """.replace("ST_MakePoint(pg_sleep(30) IS NULL AND false AND true, 2)::geometry", "ST_MakePoint(length(pg_sleep(30)::text), 2)")
        + """
        INSERT INTO odd.plain VALUES (1);
        CREATE FUNCTION odd.f() RETURNS float LANGUAGE plpgsql VOLATILE AS 'BEGIN INSERT INTO odd.plain VALUES (9); RETURN 1; END';
        CREATE VIEW odd.writes AS SELECT ST_SetSRID(ST_MakePoint(odd.f(), 2), 4490) AS geom;
        GRANT USAGE ON SCHEMA odd TO guest;
        """
    )  # fmt: skip
    return server


def test_columns_are_chosen_and_rows_come_in_the_order_of_the_key(oddities):
    found = read_postgis(oddities.dsn(), "odd", "two", geometry="at", columns=["n", "id"])
    assert list(found) == ["n", "id", "at"] and found.crs == "EPSG:4544"
    assert list(found["id"]) == list(range(1, 51)) and found["n"][0] == 0.25
    whole = read_postgis(oddities.dsn(), "odd", "two", geometry="geom")
    assert list(whole) == ["id", "n", "d", "j", "geom"] and whole.geometry.name == "geom"
    assert whole["d"][0] == pd.Timestamp("2020-01-01") and whole["j"][0] == '{"a": 1}'


def test_other_ways_to_keep_places(oddities):
    ball = read_postgis(oddities.dsn(), "odd", "ball")
    assert ball.crs == "EPSG:4326" and ball.geometry[0].equals(shapely.Point(105, 29))
    assert ball["n"][0] == 1 and pd.isna(ball["n"][1])
    named = read_postgis(oddities.dsn(), "odd", "named")
    assert named.crs == "EPSG:4490" and named["flag"].tolist() == [None, True]
    assert named["at"].tolist() == ["2020-01-01 00:00:00+00", "infinity"]
    own = read_postgis(oddities.dsn(), "odd", "own")
    assert own.crs.is_projected and "105.25" in own.crs.to_wkt()
    assert read_postgis(oddities.dsn(), "odd", "empty").crs == "EPSG:4326"


def test_curves_are_drawn_out(oddities):
    oddities.psql(
        "DROP TABLE IF EXISTS odd.curve; CREATE TABLE odd.curve AS SELECT 1 AS id, g::geometry AS geom FROM (VALUES"
        " (ST_GeomFromText('CIRCULARSTRING(0 0, 1 1, 2 0)', 4326)), (ST_GeomFromText('LINESTRING(0 0, 1 1)', 4326)),"
        " (ST_GeomFromText('CURVEPOLYGON(CIRCULARSTRING(0 0, 4 0, 4 4, 0 4, 0 0))', 4326)), (NULL)) AS v (g)"
    )
    found = read_postgis(oddities.dsn(), "odd", "curve")
    assert found.crs == "EPSG:4326" and found.geometry.isna().sum() == 1
    shapes = {s.geom_type: s for s in found.geometry.dropna() if len(s.coords if s.geom_type == "LineString" else "") != 2}  # fmt: skip
    assert shapes["LineString"].length == pytest.approx(np.pi, rel=1e-3)
    assert set(found.geometry.dropna().geom_type) == {"LineString", "Polygon"}


@pytest.mark.parametrize(
    ("table", "more", "kind", "says"),
    [
        ("two", {}, InputError, r"odd\.two: has several columns of geometry \(geom, at\)"),
        ("two", {"geometry": "n"}, InputError, "has no geometry"),
        ("two", {"geometry": "x"}, UnknownNameError, "has no column 'x'"),
        ("two", {"geometry": "at", "columns": ["x"]}, UnknownNameError, "has no column 'x'"),
        ("two", {"geometry": "at", "limit_rows": 49}, InputError, "has more than 49 rows"),
        ("plain", {}, InputError, "has no geometry"),
        ("unknown", {}, CrsError, "has no coordinate system"),
        ("bare", {}, CrsError, "has no coordinate system"),
        ("mixed", {}, CrsError, r"several coordinate systems \(4326, 4490\)"),
        ("lost", {}, CrsError, r"not known here \(SRID 990002\)"),
        ("nothing", {}, UnknownNameError, r"has no table or view 'odd\.nothing'"),
        ('x"; DROP TABLE odd.two; --', {}, UnknownNameError, "has no table or view"),
        ("slow", {"max_seconds": 0.3}, WebError, "gave up after 0.3 s"),
        ("writes", {}, WebError, "can only be read"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(oddities, table, more, kind, says):
    with pytest.raises(kind, match=says) as found:
        read_postgis(oddities.dsn(), "odd", table, **more)
    assert "\n" not in str(found.value) and "→" in str(found.value)
    assert oddities.psql("SELECT count(*) FROM odd.plain; SELECT count(*) FROM odd.two") == "1\n50"


def test_what_one_may_not_read(oddities):
    with pytest.raises(WebError, match=r"does not allow that \(permission denied for table two"):
        read_postgis(oddities.dsn(user="guest", password="g"), "odd", "two", geometry="at")


# Servers and passwords


def sentence(call, kind, says, *secrets_):
    with pytest.raises(kind, match=says) as found:
        call()
    error = found.value
    assert isinstance(error, UrbanplanError) and "\n" not in str(error) and "→" in str(error)
    printed = "".join(traceback.format_exception(error)) + repr(error) + repr(error.__context__)
    assert not any(s in printed for s in secrets_), printed
    return str(error)


def test_what_can_be_wrong_with_a_server(server, town):
    def to(dsn):
        return lambda: postgis.write(town, dsn, "x")

    secret = "geheim/öß@:%"
    wrong = server.dsn(password=quote(secret, safe=""))
    said = sentence(to(wrong), WebError, "does not accept this user", secret, quote(secret))
    assert said.startswith(f"postgresql://chief:***@127.0.0.1:{server.port}/plans: ")
    sentence(to(server.dsn(user="nobody")), WebError, "does not accept this user", server.password)
    sentence(to(server.dsn("nowhere")), WebError, "has no database of this name", server.password)
    away = server.dsn().replace(f":{server.port}/", ":1/")
    sentence(to(away), WebError, r"cannot be reached \(Connection refused\)", server.password)
    lost = server.dsn().replace("127.0.0.1", "no.such.host.invalid")
    sentence(to(lost), WebError, "cannot be reached", server.password)
    sentence(to(f"user:{server.password}@x"), InputError, "no|not the address", server.password)
    bare = f"postgresql://chief@127.0.0.1:{server.port}/plans"
    sentence(to(bare), WebError, "asks for a password → set PGPASSWORD")
    guest = server.dsn(user="guest", password="g")
    sentence(to(guest), WebError, r"does not allow that \(permission denied for database plans\)")
    sentence(lambda: postgis.write(town, server.dsn(), "pg_x"), WebError, "unacceptable schema")


def test_a_database_without_postgis(server, town):
    server.psql("CREATE DATABASE bare OWNER writer")
    server.psql("ALTER ROLE writer NOCREATEDB; GRANT CREATE ON SCHEMA public TO writer", "bare")
    writer = server.dsn("bare", "writer", "w")
    sentence(lambda: postgis.write(town, writer, "x"), WebError, "may not add it .*CREATE EXTENSION postgis")  # fmt: skip
    assert server.psql("SELECT count(*) FROM pg_namespace WHERE nspname = 'x'", "bare") == "0"
    with pytest.raises(InputError, match="has no geometry"):
        read_postgis(writer, "pg_catalog", "pg_class")
    postgis.write(town, server.dsn("bare"), "x")
    assert server.psql("SELECT count(*) FROM x.districts", "bare") == "2"


def test_postgis_may_live_in_any_schema(server, town):
    server.psql("CREATE DATABASE apart")
    server.psql('CREATE SCHEMA "Geo data"; CREATE EXTENSION postgis SCHEMA "Geo data"', "apart")
    for _ in range(2):
        postgis.write(town, server.dsn("apart"), "x", readers="apart_readers")
    assert read_postgis(server.dsn("apart"), "x", "districts").crs == "EPSG:4490"


@settings(max_examples=20)
@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20))
def test_any_password_signs_in_and_is_never_shown(server, tail):
    secret = f"{SECRET}{tail}"
    server.psql(f"ALTER ROLE guest PASSWORD {servers.literal(secret)}")
    try:
        escaped = "".join(f"%{b:02X}" for b in secret.encode())
        with servers.connect(server.dsn(user="guest", password=escaped)) as found:
            assert found.ask("SELECT current_user::text") == [["guest"]]
            assert SECRET not in repr(found) + repr(found.dsn) + str(vars(found))
            assert found._line.password is None
            sentence(lambda: found.do("SELECT 1/0"), WebError, "division by zero", SECRET)
        wrong = server.dsn(user="guest", password=f"{escaped}x")
        sentence(lambda: servers.connect(wrong), WebError, "does not accept", SECRET)
    finally:
        server.psql("ALTER ROLE guest PASSWORD 'g'")


def test_a_password_stays_out_of_logs_and_lists_of_processes(server, place, town, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", server.password)
    dsn = f"postgresql://chief@127.0.0.1:{server.port}/plans"
    code = textwrap.dedent(
        f"""
        import time
        from urbanplan import servers
        with servers.connect({dsn!r}) as server:
            print("in", flush=True)
            time.sleep(60)
        """
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as other:
        assert other.stdout.read(2) == b"in"
        for line in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                assert server.password.encode() not in line.read_bytes(), line
            except (FileNotFoundError, ProcessLookupError):
                continue
        other.kill()
    postgis.write(town, dsn, place)
    assert "COPY" in server.log and server.password not in server.log


def test_a_socket_of_this_machine(server):
    dsn = f"postgresql://chief:{server.password}@/plans?host={server.folder}&port={server.port}"
    with servers.connect(dsn) as found:
        assert found.ask("SELECT inet_server_addr()::text") == [[None]]


def test_the_line_is_encrypted(server):
    def tls(options):
        with servers.connect(server.dsn() + options) as found:
            return found.ask("SELECT ssl::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()")[0][0]

    authority = f"&sslrootcert={server.folder}/tls.crt"
    assert tls("") == "true"
    assert tls("?sslmode=require") == "true"
    assert tls("?sslmode=disable") == "false"
    assert tls("?sslmode=verify-full" + authority) == "true"
    sentence(lambda: tls("?sslmode=verify-full"), WebError, "does not prove who it is", server.password)  # fmt: skip
    elsewhere = server.dsn().replace("127.0.0.1", "localhost")
    other = f"{elsewhere}?sslmode=verify-full{authority}"
    sentence(lambda: servers.connect(other), WebError, "does not prove who it is", server.password)


def test_a_server_that_ends_in_the_middle(server, place):
    def end():
        with servers.connect(server.dsn()) as found, found.transaction():
            server.psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'urbanplan' AND pid <> pg_backend_pid()")  # fmt: skip
            found.do("SELECT 1")

    sentence(end, WebError, "hung up", server.password)
    put(server, place)


def test_a_statement_that_takes_too_long(server):
    with servers.connect(server.dsn(), max_seconds=0.2) as found:
        sentence(lambda: found.do("SELECT pg_sleep(9)"), WebError, "gave up after 0.2 s")
        assert found.ask("SELECT 1") == [[1]]


# QGIS


PROBE = """
import json, os, sys
from qgis.core import QgsApplication, QgsDataSourceUri, QgsVectorLayer
app = QgsApplication([], False); app.initQgis()
out = {}
for table, key, geometry in json.loads(sys.argv[1]):
    uri = QgsDataSourceUri()
    uri.setConnection("127.0.0.1", os.environ["PGPORT"], "plans", "ann", os.environ["PGPASSWORD"])
    uri.setDataSource("luzhou", table, geometry, "", key)
    layer = QgsVectorLayer(uri.uri(False), table, "postgres")
    row = dict(valid=layer.isValid(), count=layer.featureCount(), crs=layer.crs().authid(), spatial=layer.isSpatial())
    row["comment"], fields = layer.dataComment(), layer.fields()
    row["fields"] = {f.name(): f.comment() for f in fields}
    row["writes"] = bool(layer.dataProvider().capabilities() & 1)
    if fields.indexOf("name_zh") >= 0:
        row["names"] = sorted(str(f["name_zh"]) for f in layer.getFeatures())
    if layer.isSpatial():
        row["broken"] = sum(1 for f in layer.getFeatures() if f.hasGeometry() and not f.geometry().isGeosValid())
        row["extent"] = layer.extent().toString(3)
    out[table] = row
print("RESULT" + json.dumps(out))
"""


@pytest.fixture(scope="module")
def in_qgis(server, luzhou_there, tmp_path_factory):
    probe = tmp_path_factory.mktemp("qgis") / "probe.py"
    probe.write_text(PROBE, "utf-8")
    frames, types = tables_of(luzhou_there), types_of(luzhou_there)
    asked = [
        (n, "id" if "id" in f else "fid", "geometry" if n in types else None)
        for n, f in frames.items()
    ]
    done = subprocess.run(
        ["/usr/bin/python3", str(probe), json.dumps(asked)],
        capture_output=True, text=True, timeout=PATIENCE_S,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": "", "HOME": str(probe.parent),
             "PGPORT": str(server.port), "PGPASSWORD": "a"},
    )  # fmt: skip
    assert "RESULT" in done.stdout, done.stderr[-2000:]
    return json.loads(done.stdout.split("RESULT")[1])


def test_qgis_opens_every_table(in_qgis, luzhou_there):
    frames, types = tables_of(luzhou_there), types_of(luzhou_there)
    assert set(in_qgis) == set(frames)
    for name, row in in_qgis.items():
        assert row["valid"] and row["count"] == len(frames[name]), (name, row)
        assert not row["writes"], name
        assert set(frames[name].columns) - {"geometry"} <= set(row["fields"]), name
        if name in types:
            assert row["spatial"] and row["crs"] == "EPSG:4490" and row["broken"] == 0, name


def test_qgis_shows_names_and_comments_in_chinese(in_qgis, luzhou_there):
    for name, layer in luzhou_there.layers.items():
        assert in_qgis[name]["names"] == sorted(layer.frame["name_zh"]), name
        assert in_qgis[name]["comment"].startswith(layer.kind.name_zh), name
        assert in_qgis[name]["fields"]["name_zh"] == "名称 / Name (Chinese)"
