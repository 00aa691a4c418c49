"""What python-docx has no call for: fields, bookmarks, borders, repeated heads of tables."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from urbanplan.files import zipped
from urbanplan.output.report.model import (
    Block,
    Facts,
    Figure,
    Report,
    Table,
    Text,
    Words,
    grouped,
    heading,
    label,
)

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
    for side, air in (("top", "25"), ("left", "0"), ("bottom", "25"), ("right", "115")):
        margins.append(_element(f"w:{side}", w=air, type="dxa"))
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


_INK, _SOFT, _ACCENT, _AMBER = "1F2933", "55606B", "0B6B57", "8A5A00"
#: Width of the text on A4, and the highest picture that leaves room for its caption.
_TEXT_MM, _HIGHEST_MM = 170.0, 205.0


def docx(report: Report) -> bytes:
    """The report as DOCX; its pictures must be PNG."""
    from docx import Document

    document, words = Document(), Words(report.lang)
    _set_up(document, report, words)
    _head(document, report, words)
    for section in report.sections:
        title = document.add_heading(level=1)
        bookmark(title, f"s{section.number}", section.number, heading(section))
        for block in grouped(section):
            _add(document, block, words)
        if section.number == 1:
            document.add_paragraph(words("contents"), style="Contents head")
            entries = [(f"s{s.number}", heading(s)) for s in report.sections]
            add_contents(document, entries)
    without_thumbnail(document)
    out = io.BytesIO()
    document.save(out)
    with zipfile.ZipFile(out) as parts:
        # Written anew: an archive's entries carry the moment of writing.
        return zipped({name: parts.read(name) for name in parts.namelist()})


def _set_up(document: Any, report: Report, words: Words) -> None:
    from docx.enum.text import WD_TAB_ALIGNMENT
    from docx.shared import Mm

    _properties(document, report)
    page = document.sections[0]
    page.page_width, page.page_height = Mm(210), Mm(297)
    page.left_margin = page.right_margin = Mm(20)
    page.top_margin, page.bottom_margin = Mm(26), Mm(20)
    page.header_distance, page.footer_distance = Mm(11), Mm(9)
    page.different_first_page_header_footer = True
    _styles(document)
    head = page.header.paragraphs[0]
    head.style = document.styles["Running"]
    head.add_run(f"{report.title}\t{report.subtitle}")
    head.paragraph_format.tab_stops.add_tab_stop(Mm(_TEXT_MM), WD_TAB_ALIGNMENT.RIGHT)
    notice = page.header.add_paragraph(report.notice or words("internal"), style="Running notice")
    border_below(notice, "C9D1D8")
    for footer in (page.footer, page.first_page_footer):
        foot = footer.paragraphs[0]
        foot.style = document.styles["Running"]
        foot.paragraph_format.tab_stops.add_tab_stop(Mm(_TEXT_MM), WD_TAB_ALIGNMENT.RIGHT)
        foot.add_run(report.made + "\t")
        before, rest = words("page", n="{n}", of="{of}").split("{n}")
        between, after = rest.split("{of}")
        foot.add_run(before)
        add_field(foot, "PAGE")
        foot.add_run(between)
        add_field(foot, "NUMPAGES")
        foot.add_run(after)


def _properties(document: Any, report: Report) -> None:
    about = document.core_properties
    about.author = about.last_modified_by = "urbanplan"
    # Word's own properties end here.
    about.title, about.subject = report.title[:255], report.notice[:255]
    about.comments, about.keywords = report.made[:255], ""
    about.language = "zh-CN" if report.lang == "zh" else "en"
    about.created = about.modified = about.last_printed = datetime(*report.date)
    about.revision = 1


def _styles(document: Any) -> None:
    from docx.enum.style import WD_STYLE_TYPE
    from docx.shared import Pt, RGBColor

    made = {
        # name: size, colour, bold, before, after
        "Normal": (9.5, _INK, False, 0, 5),
        "Title": (21, _INK, True, 0, 4),
        "Heading 1": (14, _ACCENT, True, 18, 7),
        "List Bullet": (9.5, _INK, False, 0, 3),
        "Caption": (8.2, _INK, False, 4, 9),
        "Lead": (12.5, _INK, True, 0, 6),
        "Warning": (8.8, _INK, False, 4, 8),
        "Note": (7.4, _SOFT, False, 2, 8),
        "Soft": (8.5, _SOFT, False, 0, 4),
        "Notice": (8, _AMBER, False, 4, 10),
        "Cell": (7.6, _INK, False, 0, 0),
        "Running": (7, _SOFT, False, 0, 0),
        "Running notice": (6.4, _AMBER, False, 0, 0),
        "Contents head": (9, _SOFT, True, 10, 3),
        "Contents line": (8.6, _INK, False, 0, 0),
    }
    for name, (size, color, bold, before, after) in made.items():
        known = name in [s.name for s in document.styles]
        style = document.styles[name] if known else document.styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)  # fmt: skip
        style.font.size, style.font.bold, style.font.italic = Pt(size), bold, False
        style.font.color.rgb = RGBColor.from_string(color)
        style.paragraph_format.space_before, style.paragraph_format.space_after = Pt(before), Pt(after)  # fmt: skip
        style.paragraph_format.line_spacing = 1.16 if name not in ("Cell", "Running", "Running notice", "Contents line") else 1.05  # fmt: skip
        fonts(style)
    document.styles["Caption"].paragraph_format.keep_with_next = False


def _head(document: Any, report: Report, words: Words) -> None:
    title = document.add_paragraph(report.title, style="Title")
    border_below(title, None)
    about = "  ·  ".join(x for x in (report.subtitle, report.made) if x)
    line = document.add_paragraph(about, style="Soft")
    border_below(line, _ACCENT)
    document.add_paragraph(report.notice or words("internal"), style="Notice")


def _add(document: Any, block: Block | list[str], words: Words) -> None:
    if isinstance(block, list):
        for text in block:
            document.add_paragraph(text, style="List Bullet")
    elif isinstance(block, Text):
        style = {"lead": "Lead", "warning": "Warning", "note": "Note"}.get(block.role, "Normal")
        paragraph = document.add_paragraph(block.text, style=style)
        paragraph.paragraph_format.keep_with_next = block.role == "body"
        if block.role == "warning":
            shade(paragraph, "FFF6E5", "D89B2B")
    elif isinstance(block, Facts):
        _facts(document, block)
    elif isinstance(block, Figure):
        _figure(document, block, words)
    else:
        _table(document, block, words)


def _facts(document: Any, block: Facts) -> None:
    from docx.shared import Pt, RGBColor

    table = document.add_table(rows=2, cols=len(block.items))
    widths(table, [_TEXT_MM / len(block.items)] * len(block.items))
    for i, (figure, what) in enumerate(block.items):
        top, below = table.cell(0, i).paragraphs[0], table.cell(1, i).paragraphs[0]
        run = top.add_run(figure)
        run.font.size, run.font.bold = Pt(15 if len(figure) < 12 else 12), True
        run.font.color.rgb = RGBColor.from_string(_ACCENT)
        below.style = document.styles["Soft"]
        below.add_run(what)
        top.paragraph_format.space_after = Pt(0)
    rules(table, top=_ACCENT)


def _caption(document: Any, block: Table | Figure, words: Words, before: bool) -> None:
    from docx.shared import Pt

    paragraph = document.add_paragraph(style="Caption")
    paragraph.add_run(label(words, block)).bold = True
    paragraph.add_run(f"  {block.caption}")
    paragraph.paragraph_format.keep_with_next = before
    if before:
        paragraph.paragraph_format.space_after = Pt(3)


def _figure(document: Any, block: Figure, words: Words) -> None:
    from docx.shared import Mm, Pt

    scale = min(1.0, _HIGHEST_MM / block.height_mm)
    paragraph = document.add_paragraph()
    paragraph.paragraph_format.keep_with_next = True
    paragraph.paragraph_format.space_before = Pt(8)
    paragraph.paragraph_format.line_spacing = 1.0
    picture = paragraph.add_run().add_picture(io.BytesIO(block.image), width=Mm(block.width_mm * scale))  # fmt: skip
    describe(picture, label(words, block), block.alt)
    _caption(document, block, words, before=False)


def _table(document: Any, block: Table, words: Words) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Pt

    _caption(document, block, words, before=True)
    cells = block.cells()
    table = document.add_table(rows=1 + len(cells), cols=len(block.columns))
    table.autofit = False
    widths(table, _column_widths(block, cells))
    style = document.styles["Cell"]
    lines = [[c.title for c in block.columns], *cells]
    bold = [True, *block.totals()]
    # A row's cells are asked for once: looking each up by number is slow in large tables.
    for row, line, strong in zip(table.rows, lines, bold):
        for cell, column, text in zip(row.cells, block.columns, line):
            paragraph = cell.paragraphs[0]
            paragraph.style = style
            if text:
                run = paragraph.add_run(text)
                run.bold = strong or None
                run.font.size = Pt(6.2) if column.kind == "code" and len(text) > 12 else None
            if not column.is_text:
                paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    rows_whole(table)
    rules(table, top=_INK, head=_INK, rows="C9D1D8", bottom=_INK)
    note = document.add_paragraph(block.note, style="Note")
    note.paragraph_format.space_before = 0 if not block.note else None


def _column_widths(block: Table, cells: list[list[str]]) -> list[float]:
    # Figures take what they need, text shares the rest by weight, but no word is broken for it.
    need, least = [], []
    for i, column in enumerate(block.columns):
        own = [row[i] for row in cells]
        title = _title_length(column.title)
        if column.weight:
            words = [w for text in (*own, column.title) for w in text.split()]
            least.append(min(4 + 1.45 * max(map(_word_length, words), default=4), 32.0))
            need.append(0.0)
        else:
            most = {"code": 92.0, "figure": 29.0}.get(column.kind, 40.0)
            need.append(min(4 + 1.5 * max([title, *map(_length, own)]), most))
            least.append(need[-1])
    rest = max(_TEXT_MM - sum(need), 30.0)
    weights = sum(c.weight for c in block.columns) or 1.0
    made = [max(n or rest * c.weight / weights, at) for n, at, c in zip(need, least, block.columns)]
    over = sum(made) - _TEXT_MM
    spare = [m - at for m, at in zip(made, least)]
    if over > 0 and sum(spare) > 0:
        made = [m - s * min(1.0, over / sum(spare)) for m, s in zip(made, spare)]
    scale = _TEXT_MM / sum(made) if sum(made) > _TEXT_MM or any(c.weight for c in block.columns) else 1.0  # fmt: skip
    return [m * scale for m in made]


def _word_length(word: str) -> float:
    # Chinese breaks anywhere; an address breaks where it must.
    return 4.0 if any(ord(c) >= 0x2E80 for c in word) or "/" in word else float(len(word))


def _length(text: str) -> float:
    return sum(1.75 if ord(c) >= 0x2E80 else 1.0 for c in text)


def _title_length(text: str) -> float:
    # A short title stays on its line, a long one breaks in two.
    whole = _length(text)
    return whole if whole <= 10 else max(whole / 2 + 1, *(_length(w) for w in text.split()), 0)
