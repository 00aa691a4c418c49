"""What needs no PostgreSQL: addresses, names, cells, columns; and servers that are none."""

from __future__ import annotations

import contextlib
import datetime
import re
import socket
import struct
import threading
import time
import traceback
from decimal import Decimal

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from payloads import PAYLOADS
from urbanplan import servers
from urbanplan.errors import InputError, UrbanplanError, WebError
from urbanplan.servers import Shape, identifier, literal, parse_dsn, postgis, postgres
from urbanplan.servers import postgres as server_module

SECRET = "s3cr3t"


def escaped(plain: str) -> str:
    """Every byte as a code, so that nothing in it has a meaning."""
    return "".join(f"%{b:02x}" for b in plain.encode())


def all_text(error: BaseException) -> str:
    """What could be printed of an error: itself, what it came from, and where."""
    found = "".join(traceback.format_exception(error))
    seen = error
    while seen is not None:
        found += str(seen) + repr(seen) + repr(getattr(seen, "args", ""))
        seen = seen.__cause__ or seen.__context__
    return found


# Addresses


def test_a_dsn_says_where_as_whom_and_how():
    dsn = parse_dsn("postgres://ann:pa%3Ass@db.example.org:6543/plans?sslmode=verify-full")
    assert (dsn.user, dsn.password, dsn.host, dsn.port) == ("ann", "pa:ss", "db.example.org", 6543)
    assert (dsn.database, dsn.sslmode, dsn.connect_s) == ("plans", "verify-full", 10.0)
    assert str(dsn) == "postgresql://ann:***@db.example.org:6543/plans"
    assert parse_dsn(dsn) is dsn


@pytest.mark.parametrize(
    ("address", "mode", "local"),
    [
        ("postgresql://a@localhost/d", "prefer", True),
        ("postgresql://a@127.0.0.1/d", "prefer", True),
        ("postgresql://a@[::1]/d", "prefer", True),
        ("postgresql://a@/d?host=/run/postgresql", "prefer", True),
        ("postgresql://a@10.0.0.7/d", "require", False),
        ("postgresql://a@db/d", "require", False),
        ("postgresql://a@localhost.example.org/d", "require", False),
        ("postgresql://a@10.0.0.7/d?sslmode=disable", "disable", False),
    ],
)
def test_the_line_is_encrypted_unless_it_stays_here(address, mode, local):
    dsn = parse_dsn(address)
    assert (dsn.sslmode, dsn.local) == (mode, local)


def test_a_password_comes_from_the_environment_too(monkeypatch):
    monkeypatch.setenv("PGPASSWORD", SECRET)
    dsn = parse_dsn("postgresql://ann@db/plans")
    assert dsn.password == SECRET and SECRET not in repr(dsn) + str(dsn)
    assert parse_dsn("postgresql://ann:own@db/plans").password == "own"
    monkeypatch.delenv("PGPASSWORD")
    assert parse_dsn("postgresql://ann@db/plans").password is None


@pytest.mark.parametrize(
    "address",
    [
        "",
        "plans",
        "host=db user=ann password=s3cr3t",
        "mysql://ann:s3cr3t@db/plans",
        "postgresql:/ann:s3cr3t@db/plans",
        "postgresql://ann:s3cr3t@db",
        "postgresql://ann:s3cr3t@db/",
        "postgresql://:s3cr3t@db/plans",
        "postgresql://ann:s3cr3t@/plans",
        "postgresql://ann:s3cr3t@db:port/plans",
        "postgresql://ann:s3cr3t@db:0/plans",
        "postgresql://ann:s3cr3t@db:99999/plans",
        "postgresql://ann:s3cr3t@a,b/plans",
        "postgresql://ann:s3@cr3t@db/plans?x=s3cr3t",
        "postgresql://ann:12/s3cr3t@db/plans",
        "postgresql://ann:12?s3cr3t@db/plans",
        "postgresql://ann:12#s3cr3t@db/plans",
        "postgresql://ann:12/s3cr3t",
        "postgresql://ann:s3cr3t%@db/plans",
        "postgresql://ann:s3cr3t%zz@db/plans",
        "postgresql://ann:s3cr3t%ff@db/plans",
        "postgresql://ann:s3cr3t%00@db/plans",
        "postgresql://ann:s3cr3t\n@db/plans",
        "postgresql://ann:\ud800s3cr3t@db/plans",
        "postgresql://ann:s3cr3t@[::1/plans",
        "postgresql://ann:s3cr3t@db/plans?sslmode=s3cr3t",
        "postgresql://ann:s3cr3t@db/plans?s3cr3t=1",
        "postgresql://ann@db/plans?password=s3cr3t",
        "postgresql://ann:s3cr3t@db/plans?connect_timeout=0",
        "postgresql://ann:s3cr3t@db/plans?port=x",
    ],
)
def test_what_is_no_dsn_is_refused_and_not_repeated(address, monkeypatch):
    monkeypatch.delenv("PGPASSWORD", raising=False)
    with pytest.raises(InputError) as found:
        parse_dsn(address)
    assert SECRET not in all_text(found.value).split("parse_dsn(address)")[-1].replace(
        repr(address), ""
    )
    assert str(found.value).startswith("the DSN: ") and "→" in str(found.value)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
def test_any_password_can_be_written_and_is_never_shown(tail):
    dsn = parse_dsn(f"postgresql://ann:{escaped(SECRET + tail)}@db.example.org/plans")
    assert dsn.password == SECRET + tail
    assert str(dsn) == "postgresql://ann:***@db.example.org:5432/plans"
    assert SECRET not in repr(dsn) and SECRET not in str(dsn)


@given(st.text(max_size=60))
def test_no_text_breaks_the_reader_of_addresses(wild):
    with contextlib.suppress(InputError):
        parse_dsn(f"postgresql://{wild}")


def test_an_odd_user_cannot_write_to_the_terminal():
    assert "\x1b" not in str(parse_dsn("postgresql://a%1b[2J@db/plans"))


# Names, words and cells


def test_names_are_quoted_and_never_cut():
    assert identifier('a"; DROP TABLE x; --') == '"a""; DROP TABLE x; --"'
    assert identifier("a.b", "区") == '"a.b"."区"'
    assert identifier("区" * 21) == f'"{"区" * 21}"'
    for name, why in (("区" * 22, "66 bytes"), ("x" * 64, "64 bytes"), ("", "empty"),
                      ("a\0b", "null"), ("\ud800", "half")):  # fmt: skip
        with pytest.raises(InputError, match=why):
            identifier(name)


def test_words_are_quoted():
    assert literal("it's") == "E'it''s'"
    assert literal("\\'; DROP TABLE x; --") == "E'\\\\''; DROP TABLE x; --'"
    with pytest.raises(InputError):
        literal("\0")


@given(
    st.integers(1, 5).flatmap(
        lambda n: st.lists(
            st.lists(
                st.none()
                | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
                min_size=n,
                max_size=n,
            ),
            min_size=1,
        )
    )
)
def test_any_cells_come_back(rows):
    told = [[postgres.NULL if c is None else postgres.cell(c) for c in row] for row in rows]
    packed = postgres.lines(list(zip(*told)))
    assert packed.count(b"\n") == len(rows)
    assert list(postgres.cells(packed, len(rows[0]))) == rows


def test_payloads_come_back_as_cells():
    rows = [[p, None, "\\N", "\\."] for p in PAYLOADS]
    told = [[postgres.NULL if c is None else postgres.cell(c) for c in row] for row in rows]
    assert list(postgres.cells(postgres.lines(list(zip(*told))), 4)) == rows


def test_what_the_server_escapes_is_undone():
    assert list(postgres.cells(b"\\b\\f\\v\\t\\n\\r\\\\\\x\n", 1)) == [["\b\f\v\t\n\r\\x"]]
    with pytest.raises(ValueError):
        list(postgres.cells(b"a\tb\n", 3))


# Columns


def column(values, number=False, **more):
    frame = pd.DataFrame({"c": pd.Series(values, **more)})
    found = postgis.columns_of(frame, "t", None, "", ["c"] if number else [])[0]
    return found.type, found.cells(0, len(frame))


@pytest.mark.parametrize(
    ("values", "more", "kind", "cells"),
    [
        ([True, False], {}, "boolean", ["t", "f"]),
        ([True, None], {"dtype": object}, "boolean", ["t", "\\N"]),
        ([True, None], {"dtype": "boolean"}, "boolean", ["t", "\\N"]),
        ([1, -2], {}, "bigint", ["1", "-2"]),
        ([1, None], {"dtype": "Int64"}, "bigint", ["1", "\\N"]),
        ([1, None], {"dtype": object}, "bigint", ["1", "\\N"]),
        ([2**63], {"dtype": "uint64"}, "numeric", [str(2**63)]),
        ([2**70, 1], {"dtype": object}, "numeric", [str(2**70), "1"]),
        ([0.1, np.nan, np.inf, -np.inf], {}, "double precision", ["0.1", "\\N", "inf", "-inf"]),
        ([1.5, 2, None], {"dtype": object}, "double precision", ["1.5", "2.0", "\\N"]),
        ([1.5], {"dtype": "float32"}, "double precision", ["1.5"]),
        ([pd.Timestamp("2020-01-02 03:04"), pd.NaT], {}, "timestamp", ["2020-01-02T03:04:00", "\\N"]),
        ([pd.Timestamp("2020-01-02", tz="UTC")], {}, "timestamptz", ["2020-01-02T00:00:00+00:00"]),
        ([datetime.date(2020, 1, 2), None], {"dtype": object}, "date", ["2020-01-02", "\\N"]),
        ([Decimal("1.10")], {"dtype": object}, "numeric", ["1.10"]),
        (["a\tb", None, "", "\\N"], {}, "text", ["a\\tb", "\\N", "", "\\\\N"]),
        (["a", 1, True], {"dtype": object}, "text", ["a", "1", "True"]),
        ([["a"], {"b": "区"}], {"dtype": object}, "text", ['["a"]', '{"b": "区"}']),
        (["x", None], {"dtype": "category"}, "text", ["x", "\\N"]),
        ([None, None], {"dtype": object}, "text", ["\\N", "\\N"]),
        ([], {"dtype": object}, "text", []),
    ],
)  # fmt: skip
def test_every_kind_of_value_has_a_type(values, more, kind, cells):
    assert column(values, **more) == (kind, cells)


def test_empty_columns_of_numbers_stay_numbers():
    assert column([None, None], number=True, dtype=object)[0] == "double precision"
    assert column([], number=True, dtype=object)[0] == "double precision"


@pytest.mark.parametrize("value", ["a\0b", "\ud800"])
def test_text_that_no_database_can_hold_is_named(value):
    with pytest.raises(InputError, match="column 'c'"):
        column(["fine", value], dtype=object)


def test_columns_that_cannot_be_are_named():
    twice = pd.DataFrame([[1, 2]], columns=["a", "a"])
    with pytest.raises(InputError, match="'a' occurs twice"):
        postgis.columns_of(twice, "t", None, "")
    with pytest.raises(InputError, match="'xmin' is PostgreSQL's own"):
        postgis.columns_of(pd.DataFrame({"xmin": [1]}), "t", None, "")
    with pytest.raises(InputError, match="64 bytes"):
        postgis.columns_of(pd.DataFrame({"x" * 64: [1]}), "t", None, "")


def shapes_of(shapes, kind):
    frame = gpd.GeoDataFrame(geometry=gpd.GeoSeries(shapes, crs=4490))
    found = postgis.columns_of(frame, "t", Shape(kind, 4490), "public")[0]
    made = [None if c == "\\N" else shapely.from_wkb(bytes.fromhex(c)) for c in found.cells(0, 99)]
    assert all(m is None or shapely.get_srid(m) == 4490 for m in made)
    return found.type, [None if m is None else m.wkt for m in made]


def test_geometry_is_flat_and_of_one_type():
    box, wide = shapely.box(0, 0, 1, 1), shapely.MultiPolygon([shapely.box(2, 2, 3, 3)])
    kind, made = shapes_of([box, None, wide, shapely.Polygon()], "MultiPolygon")
    assert kind == '"public"."geometry"(MultiPolygon,4490)'
    assert made == [shapely.MultiPolygon([box]).wkt, None, wide.wkt, None]
    kind, made = shapes_of([shapely.Point(1, 2, 3), shapely.MultiPoint([(4, 5)])], "MultiPoint")
    assert made == ["MULTIPOINT ((1 2))", "MULTIPOINT ((4 5))"]
    kind, made = shapes_of([shapely.LineString([(0, 0, 9), (1, 1, 9)])], "MultiLineString")
    assert made == ["MULTILINESTRING ((0 0, 1 1))"]
    assert shapes_of([], "Point") == ('"public"."geometry"(Point,4490)', [])


def test_geometry_of_another_type_is_kept():
    kind, made = shapes_of([shapely.Point(1, 2), shapely.LineString([(0, 0), (1, 1)])], "Point")
    assert kind == '"public"."geometry"(Geometry,4490)' and len(made) == 2


# Servers that are none


@contextlib.contextmanager
def pretender(answer):
    """A server on this machine that calls `answer(connection)` for each caller."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as door:

        def serve():
            while True:
                try:
                    caller, _ = door.accept()
                except OSError:
                    return
                with contextlib.suppress(OSError), caller:
                    answer(caller)

        threading.Thread(target=serve, daemon=True).start()
        yield door.getsockname()[1]


def message(code: bytes, body: bytes) -> bytes:
    return code + struct.pack("!i", len(body) + 4) + body


def asks(method: int, more: bytes = b"") -> bytes:
    return message(b"R", struct.pack("!i", method) + more)


def failure(port: int, options: str = "?sslmode=disable&connect_timeout=1") -> UrbanplanError:
    with pytest.raises(UrbanplanError) as found:
        servers.connect(f"postgresql://ann:{SECRET}@127.0.0.1:{port}/plans{options}")
    shown = all_text(found.value)
    # The address is in this file's own line of the trace, in braces.
    assert SECRET not in shown, shown
    assert "\n" not in str(found.value) and "→" in str(found.value)
    return found.value


ERROR = message(b"E", b"SFATAL\0C28000\0Mno entry for \x1b[31m" + SECRET.encode() + b"\nhere\0\0")


@pytest.mark.network
@pytest.mark.parametrize(
    ("bytes_sent", "says"),
    [
        (b"", "cannot be reached"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "says more than was asked for|does not answer like"),
        (b"R" + struct.pack("!i", 3), "says more than was asked for"),
        (b"R" + struct.pack("!i", 2**31 - 1), "says more than was asked for"),
        (message(b"?", b""), "does not answer like"),
        (asks(7), "cannot be reached"),
        (asks(10, b"SCRAM-SHA-9\0\0"), "do not agree on how to sign in"),
        (ERROR, r"does not let this user in \(no entry for  ?\[31m\*\*\* here\)"),
        (asks(0) + message(b"Z", b"I"), "hung up"),
    ],
)
def test_what_answers_otherwise_is_one_sentence(bytes_sent, says):
    with pretender(lambda caller: (caller.recv(999), caller.sendall(bytes_sent))) as port:
        assert re.search(says, str(failure(port)))


@pytest.mark.network
def test_nobody_there():
    with contextlib.closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    assert "cannot be reached (Connection refused)" in str(failure(port))


@pytest.mark.network
@pytest.mark.parametrize("clear", [asks(3), asks(5, b"salt")])
def test_a_password_is_not_given_away(clear, monkeypatch):
    heard = []

    def listen(caller):
        caller.recv(999)
        caller.sendall(clear)
        caller.settimeout(1)
        heard.append(caller.recv(999))

    with pretender(listen) as port:
        # As if it stood elsewhere: on this machine nobody listens in.
        monkeypatch.setattr(servers.Dsn, "local", False)
        assert "gives it away" in str(failure(port))
        time.sleep(0.05)
    assert heard and not any(SECRET.encode() in h or h.startswith(b"p") for h in heard)


@pytest.mark.network
def test_a_server_must_know_the_password_itself():
    def skip(caller):
        caller.recv(999)
        caller.sendall(asks(10, b"SCRAM-SHA-256\0\0"))
        caller.recv(999)
        caller.sendall(asks(0) + message(b"Z", b"I"))

    with pretender(skip) as port:
        assert "without a proof" in str(failure(port))


@pytest.mark.network
def test_encryption_that_is_asked_for_is_not_left_out():
    heard = []

    def plain(caller):
        caller.recv(8)
        caller.sendall(b"N")
        caller.settimeout(1)
        heard.append(caller.recv(999))

    with pretender(plain) as port:
        for mode in ("require", "verify-full"):
            wrong = failure(port, f"?sslmode={mode}&connect_timeout=1")
            assert "does not encrypt the line" in str(wrong)
        time.sleep(0.05)
    assert heard == [b"", b""]


@pytest.mark.network
def test_a_missing_file_of_authorities_is_named():
    wrong = failure(1, "?sslmode=verify-full&sslrootcert=/nowhere/ca.pem")
    assert isinstance(wrong, InputError) and "/nowhere/ca.pem: cannot be read" in str(wrong)


@pytest.mark.network
def test_a_server_that_is_silent_or_drips_is_given_up(monkeypatch):
    monkeypatch.setattr(server_module, "_GRACE_S", 0.2)

    def drip(caller):
        caller.recv(999)
        for byte in asks(0) * 1000:
            caller.sendall(bytes([byte]))
            time.sleep(0.1)

    for answer in (lambda caller: time.sleep(4), drip):
        with pretender(answer) as port:
            began = time.monotonic()
            assert "did not answer within 1 s" in str(failure(port))
            assert time.monotonic() - began < 60


@pytest.mark.network
def test_an_answer_without_end_is_cut():
    row = message(b"D", struct.pack("!hi", 1, 5) + b"aaaaa")
    head = message(
        b"T", struct.pack("!h", 1) + b"c\0" + struct.pack("!ihihih", 0, 0, 25, -1, -1, 0)
    )

    def pour(caller):
        caller.recv(999)
        caller.sendall(asks(0) + message(b"Z", b"I"))
        caller.recv(9999)
        caller.sendall(message(b"C", b"SET\0") + message(b"Z", b"I"))
        caller.recv(9999)
        caller.sendall(head)
        while True:
            caller.sendall(row * 1000)

    with pretender(pour) as port:
        dsn = f"postgresql://ann@127.0.0.1:{port}/plans?sslmode=disable"
        with (
            servers.connect(dsn, max_bytes=100_000) as server,
            pytest.raises(WebError, match="says more than was asked for"),
        ):
            server.do("SELECT 1")
