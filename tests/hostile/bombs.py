"""Small files that would become large: each is made in a second and refused unread."""

from __future__ import annotations

import io
import random
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

MILLIONS = 5_200_000


def zipped(path: Path, name: str, data: bytes) -> Path:
    """A zip with one member."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr(name, data)
    return path


def csv_rows(path: Path) -> Path:
    """1-2 MB of zip that hold millions of rows at an honest ratio below 100:1."""
    chance = random.Random(1)
    block = b"".join(b"%d,%d\n" % (chance.randrange(90), chance.randrange(90)) for _ in range(300))
    rows = MILLIONS // 300
    salt = b"".join(b"%d,1\n" % chance.randrange(10**9) for _ in range(250_000))
    return zipped(path, "a.csv", b"lon,lat\n" + block * rows + salt)


def geojson_rows(path: Path) -> Path:
    """Millions of features without geometry."""
    one = b'{"type":"Feature","properties":{},"geometry":null},\n'
    with open(path, "wb") as f:
        f.write(b'{"type":"FeatureCollection","features":[')
        for _ in range(MILLIONS // 100_000):
            f.write(one * 100_000)
        f.write(one[:-2] + b"]}")
    return path


def geojson_points(path: Path) -> Path:
    """One feature with tens of millions of points."""
    with open(path, "wb") as f:
        f.write(b'{"type":"FeatureCollection","features":[{"type":"Feature","properties":{},')
        f.write(b'"geometry":{"type":"MultiPoint","coordinates":[')
        for _ in range(30):
            f.write(b"[1,2]," * 1_000_000)
        f.write(b"[1,2]]}}]}")
    return path


def geojson_deep(path: Path) -> Path:
    """Arrays in arrays, a million deep."""
    deep = b"[" * 1_000_000
    path.write_bytes(
        b'{"type":"FeatureCollection","features":[{"type":"Feature","properties":'
        b'{"a":' + deep + b"]" * 1_000_000 + b'},"geometry":null}]}'
    )
    return path


def kml_rows(path: Path) -> Path:
    """Millions of placemarks."""
    with open(path, "wb") as f:
        f.write(b"<kml><Document>")
        for _ in range(MILLIONS // 100_000 + 1):
            f.write(b"<Placemark/>" * 100_000)
        f.write(b"</Document></kml>")
    return path


def kml_parts(path: Path) -> Path:
    """One placemark of tens of millions of elements."""
    with open(path, "wb") as f:
        f.write(b"<kml><Placemark>")
        for _ in range(200):
            f.write(b"<a/>" * 100_000)
        f.write(b"</Placemark></kml>")
    return path


def kml_text(path: Path) -> Path:
    """One element with hundreds of megabytes of text."""
    with open(path, "wb") as f:
        f.write(b"<kml><Placemark><description>")
        for _ in range(300):
            f.write(b"x" * 2**20)
        f.write(b"</description></Placemark></kml>")
    return path


def kml_deep(path: Path) -> Path:
    """Folders in folders, a million deep."""
    path.write_bytes(b"<kml>" + b"<Folder>" * 1_000_000)
    return path


def parquet_text(path: Path) -> Path:
    """A text of one megabyte, a million times: a few bytes in Parquet, a terabyte in memory."""
    text = pa.DictionaryArray.from_arrays(pa.array([0] * 1_000_000, pa.int32()), ["x" * 2**20])
    table = pa.table({"lon": [1.0] * 1_000_000, "lat": [1.0] * 1_000_000, "a": text})
    pq.write_table(table, path, store_schema=False)
    return path


def parquet_lists(path: Path) -> Path:
    """The same inside lists of structs, where each column is a leaf."""
    text = pa.array(["x" * 2**20]).take(pa.array([0] * 1000))
    inner = pa.StructArray.from_arrays([text], ["b"])
    lists = pa.ListArray.from_arrays(pa.array(range(1001), pa.int32()), inner)
    pq.write_table(pa.table({"lon": [1.0] * 1000, "lat": [1.0] * 1000, "a": lists}), path)
    return path


def parquet_numbers(path: Path) -> Path:
    """Ten rows with lists of ten million equal numbers each."""
    numbers = pa.array([1.0]).take(pa.array(np.zeros(10_000_000, "int64")))
    lists = pa.ListArray.from_arrays(pa.array([0, 10_000_000], pa.int32()), numbers)
    schema = pa.schema({"lon": pa.float64(), "lat": pa.float64(), "a": lists.type})
    with pq.ParquetWriter(path, schema) as writer:
        for _ in range(10):
            writer.write_table(pa.table({"lon": [1.0], "lat": [1.0], "a": lists}, schema))
    return path


def parquet_rows(path: Path) -> Path:
    """Millions of rows that all say the same."""
    pq.write_table(pa.table({"lon": pa.array([1.0]).take(pa.array([0] * MILLIONS))}), path)
    return path


def workbook(path: Path, sheet: bytes, strings: bytes | None = None) -> Path:
    """A workbook whose sheet, or texts, are the XML given."""
    held = io.BytesIO()
    pd.DataFrame({"lon": [1.0], "lat": [2.0]}).to_excel(held, index=False)
    with (
        zipfile.ZipFile(held) as source,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z,
    ):
        for info in source.infolist():
            data = source.read(info)
            if info.filename == "xl/worksheets/sheet1.xml" and sheet:
                data = sheet
            z.writestr(info.filename, data)
        if strings:
            z.writestr("xl/sharedStrings.xml", strings)
        # Noise, so that the ratio of the whole stays below 100:1.
        z.writestr("xl/media/image1.png", random.Random(2).randbytes(2**21))
    return path


MAIN = b'<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
HEAD = (
    b'<row r="1"><c r="A1" t="inlineStr"><is><t>lon</t></is></c>'
    b'<c r="B1" t="inlineStr"><is><t>lat</t></is></c></row>'
)


def xlsx_rows(path: Path) -> Path:
    """More rows than Excel has."""
    return workbook(path, MAIN + HEAD + b"<row/>" * 5_000_000 + b"</sheetData></worksheet>")


def xlsx_gap(path: Path) -> Path:
    """A row with a number of a trillion: what stands between would be made up."""
    row = b'<row r="999999999999"><c r="A999999999999"><v>1</v></c></row>'
    return workbook(path, MAIN + HEAD + row + b"</sheetData></worksheet>")


def xlsx_wide(path: Path) -> Path:
    """One row of millions of cells."""
    return workbook(path, MAIN + b"<row>" + b"<c/>" * 5_000_000 + b"</row></sheetData></worksheet>")


def xlsx_texts(path: Path) -> Path:
    """Millions of shared texts."""
    return workbook(path, b"", b"<sst>" + b"<si><t>a</t></si>" * 6_000_000 + b"</sst>")


def xlsx_parts(path: Path) -> Path:
    """Millions of elements that belong to no row,."""
    rest = MAIN + HEAD + b"</sheetData>" + b"<a/>" * 15_000_000 + b"</worksheet>"
    return workbook(path, rest)


def csv_line(path: Path) -> Path:
    """A line of 100 MB."""
    path.write_bytes(b"lon,lat\n" + b"1" * 100_000_000)
    return path


def csv_columns(path: Path) -> Path:
    """A million columns."""
    path.write_bytes(b"lon,lat," + b"a," * 1_000_000 + b"\n" + b"1," * 1_000_002 + b"\n")
    return path


def csv_nul(path: Path) -> Path:
    """NUL bytes among the cells."""
    path.write_bytes(b"lon,lat\n1,2\n\0\0\0,3\n")
    return path


def csv_quote(path: Path) -> Path:
    """A quotation mark that no later line closes."""
    path.write_bytes(b'lon,lat,a\n1,2,"x\n' + b"1,2,3\n" * 4_000_000)
    return path


DXF = "0\nSECTION\n2\nHEADER\n9\n$ACADVER\n1\nAC1015\n0\nENDSEC\n"


def dxf_inserts(path: Path) -> Path:
    """One block inserted a billion times."""
    head = f"{DXF}0\nSECTION\n2\nBLOCKS\n0\nBLOCK\n8\n0\n2\nB\n70\n0\n10\n0\n20\n0\n"
    point = "0\nPOINT\n8\n0\n10\n1\n20\n2\n"
    insert = "0\nINSERT\n8\n0\n2\nB\n10\n0\n20\n0\n70\n32000\n71\n32000\n44\n1\n45\n1\n"
    path.write_text(
        f"{head}{point * 2}0\nENDBLK\n8\n0\n0\nENDSEC\n0\nSECTION\n2\nENTITIES\n"
        f"{insert}0\nENDSEC\n0\nEOF\n"
    )
    return path


def dxf_nested(path: Path) -> Path:
    """Blocks that insert ten of the one before: ten to the twelfth points."""
    blocks = "0\nBLOCK\n8\n0\n2\nB0\n70\n0\n10\n0\n20\n0\n0\nPOINT\n8\n0\n10\n1\n20\n2\n0\nENDBLK\n8\n0\n"
    for n in range(1, 13):
        inner = f"0\nINSERT\n8\n0\n2\nB{n - 1}\n10\n0\n20\n0\n" * 10
        blocks += f"0\nBLOCK\n8\n0\n2\nB{n}\n70\n0\n10\n0\n20\n0\n{inner}0\nENDBLK\n8\n0\n"
    path.write_text(
        f"{DXF}0\nSECTION\n2\nBLOCKS\n{blocks}0\nENDSEC\n0\nSECTION\n2\nENTITIES\n"
        "0\nINSERT\n8\n0\n2\nB12\n10\n0\n20\n0\n0\nENDSEC\n0\nEOF\n"
    )
    return path


#: Each bomb by the name that its file gets.
BOMBS = {
    "rows.zip": csv_rows,
    "rows.geojson": geojson_rows,
    "points.geojson": geojson_points,
    "deep.geojson": geojson_deep,
    "rows.kml": kml_rows,
    "parts.kml": kml_parts,
    "text.kml": kml_text,
    "deep.kml": kml_deep,
    "text.parquet": parquet_text,
    "lists.parquet": parquet_lists,
    "numbers.parquet": parquet_numbers,
    "rows.parquet": parquet_rows,
    "rows.xlsx": xlsx_rows,
    "gap.xlsx": xlsx_gap,
    "wide.xlsx": xlsx_wide,
    "texts.xlsx": xlsx_texts,
    "parts.xlsx": xlsx_parts,
    "line.csv": csv_line,
    "columns.csv": csv_columns,
    "nul.csv": csv_nul,
    "quote.csv": csv_quote,
    "inserts.dxf": dxf_inserts,
    "nested.dxf": dxf_nested,
}
