"""What python-docx has no call for: fields, bookmarks, borders, repeated heads of tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

#: Fonts by script, which every office has, or one of the same widths.
_LATIN, _HAN = "Arial", "Microsoft YaHei"


def _element(tag: str, **attributes: str) -> Any:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    made = OxmlElement(tag)
    for name, value in attributes.items():
        made.set(qn(f"w:{name}"), value)
    return made


def fonts(style: Any) -> None:
    """Give a style a font for each script, and its language."""
    from docx.oxml.ns import qn

    own = style.element.get_or_add_rPr()
    made = own.get_or_add_rFonts()
    for name in list(made.attrib):
        del made.attrib[name]
    for name in ("ascii", "hAnsi", "cs"):
        made.set(qn(f"w:{name}"), _LATIN)
    made.set(qn("w:eastAsia"), _HAN)
    for old in own.findall(qn("w:lang")):
        own.remove(old)
    # The first is of Latin text alone: as Chinese its words would break anywhere.
    own.append(_element("w:lang", val="en-GB", eastAsia="zh-CN"))


def add_field(paragraph: Any, code: str, shown: str = "1") -> None:
    """Add a field, such as the number of the page."""
    from docx.oxml.ns import qn

    run = paragraph.add_run()._r
    run.append(_element("w:fldChar", fldCharType="begin"))
    instruction = _element("w:instrText")
    instruction.set(qn("xml:space"), "preserve")
    instruction.text = f" {code} "
    run.append(instruction)
    run.append(_element("w:fldChar", fldCharType="separate"))
    text = _element("w:t")
    text.text = shown
    run.append(text)
    run.append(_element("w:fldChar", fldCharType="end"))


def bookmark(paragraph: Any, name: str, number: int, text: str) -> None:
    """Write a paragraph's text as a place that links lead to."""
    paragraph._p.append(_element("w:bookmarkStart", id=str(number), name=name))
    paragraph.add_run(text)
    paragraph._p.append(_element("w:bookmarkEnd", id=str(number)))


def add_contents(document: Any, entries: Sequence[tuple[str, str]]) -> None:
    """A table of contents: filled in with links now, with page numbers when Office updates it."""
    lines = [document.add_paragraph(style="Contents line") for _ in entries]
    first, last = lines[0]._p, lines[-1]._p
    for tag in ("begin", "code", "separate"):
        run = _element("w:r")
        if tag == "code":
            code = _element("w:instrText")
            code.text = 'TOC \\o "1-1" \\h \\z \\u'
            run.append(code)
        else:
            run.append(_element("w:fldChar", fldCharType=tag))
        first.append(run)
    for line, (name, text) in zip(lines, entries):
        link = _element("w:hyperlink", anchor=name, history="1")
        run, shown = _element("w:r"), _element("w:t")
        shown.text = text
        run.append(shown)
        link.append(run)
        line._p.append(link)
    end = _element("w:r")
    end.append(_element("w:fldChar", fldCharType="end"))
    last.append(end)


def border_below(paragraph: Any, color: str | None) -> None:
    """A thin line below a paragraph, or none."""
    from docx.oxml.ns import qn

    own = paragraph._p.get_or_add_pPr()
    for old in own.findall(qn("w:pBdr")):
        own.remove(old)
    edge = {"val": "single", "sz": "6", "space": "3", "color": color} if color else {"val": "nil"}
    borders = _element("w:pBdr")
    borders.append(_element("w:bottom", **edge))
    own.insert_element_before(borders, "w:shd", "w:tabs", "w:spacing", "w:ind", "w:jc", "w:rPr")


def shade(paragraph: Any, fill: str, edge: str) -> None:
    """A coloured ground with a bar at its left."""
    own = paragraph._p.get_or_add_pPr()
    borders = _element("w:pBdr")
    borders.append(_element("w:left", val="single", sz="18", space="6", color=edge))
    own.insert_element_before(borders, "w:shd", "w:tabs", "w:spacing", "w:ind", "w:jc", "w:rPr")
    ground = _element("w:shd", val="clear", color="auto", fill=fill)
    own.insert_element_before(ground, "w:tabs", "w:spacing", "w:ind", "w:jc", "w:rPr")


def describe(picture: Any, name: str, text: str) -> None:
    """What a picture shows, for those who cannot see it."""
    about = picture._inline.docPr
    about.set("name", name)
    about.set("descr", text)
    # Without these some programs keep it away from the margin.
    for side in ("distT", "distB", "distL", "distR"):
        picture._inline.set(side, "0")


def without_thumbnail(document: Any) -> None:
    """Leave out the picture of somebody else's page that the library's template carries."""
    own = document.part.package.rels
    for key in [k for k, rel in own.items() if rel.reltype.endswith("/thumbnail")]:
        del own[key]


def widths(table: Any, millimetres: Sequence[float]) -> None:
    """Fixed widths of a table's columns."""
    from docx.oxml.ns import qn
    from docx.shared import Mm

    own = table._tbl.tblPr
    for tag in ("w:tblLayout", "w:tblW", "w:tblLook"):
        for old in own.findall(qn(tag)):
            own.remove(old)
    total = sum(Mm(m).twips for m in millimetres)
    own.append(_element("w:tblW", w=str(total), type="dxa"))
    own.append(_element("w:tblLayout", type="fixed"))
    # Text begins where the paragraphs do; the air is at the right of each cell.
    margins = _element("w:tblCellMar")
    for side, wide in (("top", "25"), ("left", "0"), ("bottom", "25"), ("right", "115")):
        margins.append(_element(f"w:{side}", w=wide, type="dxa"))
    own.append(margins)
    for column, wide in zip(table._tbl.tblGrid.gridCol_lst, millimetres):
        column.w = Mm(wide)
    for row in table._tbl.tr_lst:
        for cell, wide in zip(row.tc_lst, millimetres):
            cell.width = Mm(wide)


def rows_whole(table: Any) -> None:
    """Rows stay on one page, and the first one is repeated on each."""
    for i, row in enumerate(table._tbl.tr_lst):
        own = row.get_or_add_trPr()
        own.append(_element("w:cantSplit"))
        if i == 0:
            own.append(_element("w:tblHeader"))


def rules(table: Any, top: str, head: str = "", rows: str = "", bottom: str = "") -> None:
    """Thin lines: above, below the head, between rows, at the end."""
    lines = table._tbl.tr_lst
    for i, row in enumerate(lines):
        last = i == len(lines) - 1
        for cell in row.tc_lst:
            borders = _element("w:tcBorders")
            if i == 0:
                borders.append(_element("w:top", val="single", sz="8", space="0", color=top))
            color = bottom if last and bottom else head if i == 0 and head else rows
            if color:
                size = "8" if last and bottom else "6" if i == 0 else "2"
                borders.append(_element("w:bottom", val="single", sz=size, space="0", color=color))
            cell.get_or_add_tcPr().append(borders)
