"""The terminal speaks Chinese where the locale does: pairs, columns, and sentences with a translation."""

from __future__ import annotations

import ast
import inspect
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from test_errors_help import CORPUS, USED
from townfolder import write_town
from urbanplan.cli import chinese as guidance
from urbanplan.cli import chinese as words
from urbanplan.cli import cli, main
from urbanplan.errors import InputError, UrbanplanError

SRC = Path(__file__).parents[1] / "src" / "urbanplan"
TABLE = tomllib.loads((SRC / "cli" / "words_zh.toml").read_text("utf-8"))
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.mark.parametrize(
    ("what", "chinese"),
    [
        (
            "'factor' of 'grow' of scenario a cannot be '1.1'",
            "情景 a 的 grow 的 factor 不能是 '1.1'",
        ),
        ("'add' of scenario a has no id", "情景 a 的 add：没有 id"),
        ("scenario a has no name_zh", "情景 a：没有 name_zh"),
        ("scenario 'a' has a cost without a cost_unit", "情景“a”有 cost 而没有 cost_unit"),
        ("'shows' of item 3.1 cannot be [5]", "事项 3.1 的 shows 不能是 [5]"),
        ("'goals' of document d cannot be 5", "文件 d 的 goals 不能是 5"),
        ("'minutes' of the study cannot be 7", "分析设置 的 minutes 不能是 7"),
        ("a point of the series of 't' has no source", "“t”的历年值 中的一点：没有 source"),
    ],
)
def test_a_table_of_the_wrong_kind_is_told_in_chinese(what, chinese):
    assert words.told(what, "zh") == chinese


@pytest.mark.parametrize(
    ("environ", "lang"),
    [
        ({}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_TW"}, "zh"),
        ({"LANG": "zh-Hans-CN"}, "zh"),
        ({"LC_MESSAGES": "zh_CN.UTF-8", "LANG": "en_GB.UTF-8"}, "zh"),
        ({"LC_ALL": "en_GB.UTF-8", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"LC_ALL": "", "LANG": "zh_CN.UTF-8"}, "zh"),
        ({"URBANPLAN_LANG": "zh", "LC_ALL": "C"}, "zh"),
        ({"URBANPLAN_LANG": "en", "LANG": "zh_CN.UTF-8"}, "en"),
    ],
)
def test_the_locale_decides(environ, lang):
    assert words.language(environ) == lang


@pytest.mark.parametrize(
    ("text", "zh", "en"),
    [
        ("没有人口数据 / nobody knows", "没有人口数据", "nobody knows"),
        ("医院：3 处 / Hospitals: 3 of them", "医院：3 处", "Hospitals: 3 of them"),
        # A slash in both halves.
        ("甲 / 乙线断开 / the line A / B is cut", "甲 / 乙线断开", "the line A / B is cut"),
        ("no pair at all", "no pair at all", "no pair at all"),
        ("m / s", "m / s", "m / s"),
        ("泸州 / 成都", "泸州 / 成都", "泸州 / 成都"),
    ],
)
def test_one_half_of_a_pair(text, zh, en):
    assert (words.half(text, "zh"), words.half(text, "en")) == (zh, en)


def test_a_language_that_there_is_not_is_said(monkeypatch, capsys):
    monkeypatch.setenv("URBANPLAN_LANG", "fr")
    with pytest.raises(SystemExit) as stopped:
        main(["layers"])
    told = capsys.readouterr()
    assert stopped.value.code == 2 and not told.out
    assert told.err == "urbanplan: URBANPLAN_LANG is 'fr', which is no language of urbanplan → use zh or en\n"  # fmt: skip


def test_english_changes_nothing():
    error = InputError("[city] has no id", where="city.toml", remedy="add it")
    assert words.sentence(error, "en") == str(error)
    assert words.column("persons_covered", "en") == "persons_covered"
    assert words.value("met", "verdict", "en") == "met" and words.value(True, "own", "en") is True
    assert words.told("3 checks, 0 failed", "en") == "3 checks, 0 failed"


def test_chinese_keeps_what_is_typed():
    error = InputError("[city] has no id", where=Path("我的/city.toml"), remedy="add it")
    assert words.sentence(error, "zh") == "我的/city.toml：[city]：没有 id → 补上它"
    error = InputError("no file 'roads.geojson' in a or b", where="luzhou", remedy="unheard of")
    assert words.sentence(error, "zh") == "luzhou：a or b 中没有文件“roads.geojson” → unheard of"
    # A piece that is itself a sentence.
    said = words.told("indicator x has the unknown field 'y'", "zh")
    assert said == "指标 x：有不认识的字段“y”"
    assert words.told("unknown mode 'fly'", "zh") == "没有出行方式“fly”"


def test_columns_and_cells():
    assert words.column("persons_covered", "zh") == "覆盖人口"
    assert words.column("persons_faster", "zh") == "变快人口"
    assert words.column("unheard_of", "zh") == "unheard_of"
    assert words.value("not met", "verdict", "zh") == "未达标"
    assert words.value("not met", "verdict_b", "zh") == "未达标"
    assert words.value("hospitals", "facilities", "zh") == "医院"
    assert words.value("hospitals", "layer", "zh") == "hospitals"
    assert words.told("baseline → tuo_5: within 30 min", "zh") == "baseline → tuo_5: 30 分钟内"
    assert (
        words.value("ALL", "area", "zh") == "合计" and words.value("walk", "mode", "zh") == "步行"
    )
    assert words.value(False, "proven", "zh") == "否" and words.value(3.5, "share", "zh") == 3.5
    assert words.value("没有 / none", "why", "zh") == "没有"


# The table of sentences belongs to the source as it is today.


def patterns(node: ast.expr) -> list[str]:
    """A string of the source with {} for what changes; every branch of a choice inside it."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, ast.IfExp):
        return patterns(node.body) + patterns(node.orelse)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        ends = patterns(node.right) or ["{}"]
        return [a + b for a in patterns(node.left) for b in ends]
    if not isinstance(node, ast.JoinedStr):
        return []
    out = [""]
    for piece in node.values:
        inner = piece.value if isinstance(piece, ast.FormattedValue) else piece
        choices = patterns(inner) if isinstance(inner, ast.IfExp | ast.Constant) else ["{}"]
        out = [o + c for o in out for c in choices or ["{}"]]
    return out


def spoken(folder: Path) -> set[str]:
    return {
        text
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.expr)
        for text in patterns(node)
    }


def test_every_sentence_of_the_table_is_still_said():
    # click's own templates name their pieces.
    click_own = {re.sub(r"\{[^}]*\}", "{}", t) for t in spoken(Path(inspect.getfile(click)).parent)}
    said = {t.removeprefix("urbanplan: ") for t in spoken(SRC)} | click_own
    # Beginnings and ends that are put together while running.
    gone = [
        k
        for k in {**TABLE["sentences"], **TABLE["phrases"]}
        if k not in said and not _made(k, said)
    ]
    assert not gone


def raised() -> set[str]:
    """What errors of ours say, and the remedies that they name, with {} for what changes."""
    found = set()
    for path in SRC.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Error"):
                remedies = [k.value for k in node.keywords if k.arg == "remedy"]
                for part in (*node.args[:1], *remedies):
                    found.update(patterns(part))
    return {t for t in found if re.search("[A-Za-z]", t)}


def test_every_error_and_remedy_has_its_chinese():
    assert len(raised()) > 600
    told = {t: words.told(t.replace("{}", "X"), "zh") for t in raised()}
    assert not [t for t, chinese in told.items() if not CHINESE.search(chinese)]
    # Nor half of it: three English words in a row, but for a command that is to be typed.
    half = {c for c in told.values() if re.search(r"(?<![\w=.-])[a-z]{2,}( [a-z]{2,}){2}", c)}
    assert half == {"若地图服务需要它，用 urbanplan publish formats --crs gcj02"}


def helps(command: click.Command) -> Iterator[str]:
    """What a command, its options, and all commands below say when asked for help."""
    own = [command.help, *(getattr(p, "help", None) for p in command.params)]
    for text in filter(None, own):
        yield from guidance.paragraphs(text)
    for one in getattr(command, "commands", {}).values():
        yield from helps(one)


def test_every_help_has_its_chinese_and_nothing_else_has():
    known = tomllib.loads((SRC / "cli" / "help_zh.toml").read_text("utf-8"))
    assert set(helps(cli)) == set(known)
    assert all(CHINESE.search(text) for text in known.values())


def test_chinese_help_says_the_same_options_and_leaves_the_english_alone(monkeypatch, capsys):
    def asked(lang, *args):
        monkeypatch.setenv("URBANPLAN_LANG", lang)
        with pytest.raises(SystemExit) as stopped:
            main([*args, "--help"])
        assert stopped.value.code in (0, None)
        return capsys.readouterr().out

    for args in ((), *((name,) for name in cli.commands), ("publish", "html")):
        english, chinese = asked("en", *args), asked("zh", *args)
        assert asked("en", *args) == english and not CHINESE.search(english.split("\n")[0])
        assert set(re.findall(r"(?<!\S)--[a-z-]+", english)) <= set(
            re.findall(r"--[a-z-]+", chinese)
        )
        for heading in ("Usage:", "Options:", "Commands:", "Show this", "[required", "[default"):
            assert heading not in chinese
        assert chinese.startswith("用法：") and "选项：" in chinese
        wide = [sum(2 if CHINESE.match(c) else 1 for c in line) for line in chinese.split("\n")]
        assert max(wide) <= 100


def _made(key: str, said: set[str]) -> bool:
    # click builds a few of its sentences from pieces; ours never are.
    return key.startswith(("Missing ", "No such option", "Invalid value")) and any(
        key.split("{}")[0].split()[0] in text for text in said
    )


def test_a_translation_holds_every_piece():
    for key, chinese in {**TABLE["sentences"], **TABLE["phrases"]}.items():
        pieces = key.count("{}")
        numbered = sorted(map(int, re.findall(r"\{(\d)\}", chinese)))
        if numbered:
            assert numbered == list(range(pieces)) and "{}" not in chinese, key
        else:
            assert chinese.count("{}") == pieces, key


def every_kind_of_fault():
    # The same fault in another layer says the same.
    others = tuple(f"{name} " for name in USED if name != "hospitals")
    return [c for c in CORPUS if not c[0].startswith(others)]


@pytest.mark.parametrize(
    ("spoil", "args"),
    [(c[1], c[2]) for c in every_kind_of_fault()],
    ids=[c[0] for c in every_kind_of_fault()],
)
def test_faults_are_told_in_chinese(tmp_path, monkeypatch, spoil, args):
    town, file, out = write_town(tmp_path / "town"), tmp_path / "in.geojson", tmp_path / "out"
    spoil(town, file)
    monkeypatch.chdir(tmp_path)
    with pytest.raises((UrbanplanError, click.ClickException)) as stopped:
        cli.main([a.format(town=town, file=file, out=out) for a in args], "urbanplan", standalone_mode=False)  # fmt: skip
    error = stopped.value
    if isinstance(error, UrbanplanError):
        told = words.sentence(error, "zh")
        assert CHINESE.search(words.told(error.what, "zh")), error.what
        assert not error.remedy or CHINESE.search(words.told(error.remedy, "zh")), error.remedy
        assert error.where is None or str(error.where) in told or CHINESE.search(told)
    else:
        assert CHINESE.search(words.told(error.format_message(), "zh")), error.format_message()


# The whole way, as a terminal with a Chinese locale shows it.


def terminal(capsys, monkeypatch, *args) -> tuple[int, str, str]:
    monkeypatch.setenv("URBANPLAN_LANG", "zh")
    with pytest.raises(SystemExit) as stop:
        main([str(a) for a in args])
    out = capsys.readouterr()
    return stop.value.code, out.out, out.err


def test_tables_remarks_and_errors_are_chinese(tmp_path, capsys, monkeypatch):
    town = write_town(tmp_path / "town")
    code, out, err = terminal(
        capsys, monkeypatch, "coverage", town, "--facilities", "hospitals", "--minutes", "5"
    )
    assert code == 0 and "覆盖人口" in out and "步行" in out and "合计" in out
    assert "persons_covered" not in out and err == "1 处已公布位置的现状设施；占比是下限\n"
    code, out, err = terminal(capsys, monkeypatch, "check", town)
    assert code == 0 and "0项未通过" in "".join(out.split())
    code, out, err = terminal(capsys, monkeypatch, "coverage", town, "--facilities", "moons")
    assert (code, out) == (2, "") and err.startswith("urbanplan: “moons”不是设施图层 → 可选：")
    code, out, err = terminal(capsys, monkeypatch, "coverage", town)
    assert code == 2 and err == "urbanplan: 缺少选项 '--facilities'。\n"


def test_what_programs_read_is_the_same_in_every_language(tmp_path, capsys, monkeypatch):
    town = write_town(tmp_path / "town")
    said = []
    for lang in ("zh", "en"):
        monkeypatch.setenv("URBANPLAN_LANG", lang)
        with pytest.raises(SystemExit):
            main(["layers", str(town), "--json"])
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]


#: Marks of Chinese type.
MARKS = re.compile("[（）：；，。、“”《》？！％【】「」]")


def _english_halves() -> Iterator[tuple[str, str]]:
    """Every text of the package that is said in two languages: where it stands, and its English half."""
    for path in sorted(SRC.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            parts = node.values if isinstance(node, ast.JoinedStr) else [node]
            text = "".join(
                str(p.value) if isinstance(p, ast.Constant) and isinstance(p.value, str) else "{}"
                for p in parts
            )
            zh, slash, en = text.partition(" / ")
            if isinstance(node, (ast.JoinedStr, ast.Constant)) and slash and CHINESE.search(zh):
                yield path.name, en
    for path in sorted(SRC.rglob("*.toml")):
        if path.name in ("words_zh.toml", "help_zh.toml"):
            continue

        def texts(value, key="", words=path.name == "words.toml"):
            if isinstance(value, dict):
                for name, one in value.items():
                    yield from texts(one, name, words)
            elif isinstance(value, list):
                # Words of the report are pairs.
                pair = words and len(value) == 2
                for one in value[1:] if pair else value:
                    yield from texts(one, "en" if pair else key, words)
            elif isinstance(value, str) and (key == "en" or key.endswith("_en")):
                yield value

        for text in texts(tomllib.loads(path.read_text("utf-8"))):
            yield path.name, text
    script = (SRC / "output" / "assets" / "text.js").read_text("utf-8")
    for text in re.findall(r'\[".*?", "(.*?)"\]', script):
        yield "text.js", text


def test_english_has_no_chinese_marks():
    halves = list(_english_halves())
    assert len(halves) > 700 and {"text.js", "words.toml", "layers.toml"} <= {h[0] for h in halves}
    # What an English reader sees of the map's approval is the number's own form.
    wrong = [(where, text) for where, text in halves if MARKS.search(text)]
    assert not wrong, wrong[:10]
    # No script of the page writes such a mark but where it asks for the language.
    for path in sorted((SRC / "output" / "assets").glob("*.js")):
        for line in path.read_text("utf-8").splitlines() if path.name != "text.js" else ():
            for found in MARKS.finditer(line):
                near = line[max(0, found.start() - 250) : found.start()]
                assert "lang" in near or "浏览器" in near or "endsWith" in near, line[:160]


@pytest.mark.parametrize(
    ("profile", "language"),
    [
        ({"country": "AT"}, "en"),
        ({"country": "CN", "name_zh": "Suzhou", "name_en": "Suzhou"}, "zh"),
        ({"country": "", "name_zh": "泸州", "name_en": "Luzhou"}, "zh"),
        # What `init --name` wrote abroad: one name in two fields.
        ({"country": "", "name_zh": "京都市", "name_en": "京都市"}, "en"),
        ({"country": "", "name_zh": "Krems", "name_en": "Krems"}, "en"),
    ],
)
def test_a_citys_language_is_that_of_its_country(tmp_path, profile, language):
    from dataclasses import replace

    from urbanplan.city.profile import load_city

    town = load_city(write_town(tmp_path / "town"))
    assert town.language == "zh" and replace(town, **profile).language == language


def test_a_city_abroad_opens_in_english_everywhere(tmp_path):
    """Page, report and tables of a city in Austria: every English text is in English marks."""
    from pagereader import values
    from urbanplan.output.page import write

    folder = write_town(tmp_path / "town")
    profile = folder / "city.toml"
    text = profile.read_text("utf-8").replace("[city]", '[city]\ncountry = "AT"', 1)
    profile.write_text(text, "utf-8")
    import urbanplan as up
    from urbanplan import study
    from urbanplan.city.profile import load_city

    results = study.run(load_city(folder))
    page = write(results, tmp_path / "index.html").read_text("utf-8")
    assert '<html lang="en">' in page[:200]
    data = values(page)
    assert data["first"] == "en"

    def english(value, key="") -> Iterator[str]:
        if isinstance(value, dict):
            for name, one in value.items():
                yield from english(one, name)
        elif isinstance(value, list):
            for one in value:
                yield from english(one, key)
        elif isinstance(value, str):
            zh, slash, en = value.partition(" / ")
            if key in ("en", "said_en") or key.endswith("_en"):
                yield value
            elif slash and CHINESE.search(zh):
                yield en

    names = {name for layer in results.layers.values() for name in layer.frame["name_en"].dropna()}
    ours = [x for x in english({k: v for k, v in data.items() if k != "layers"}) if x not in names]
    assert len(ours) > 100
    assert not [x for x in ours if MARKS.search(x)]
    for name in ("layers", "sources"):
        assert data[name]
    assert not any(CHINESE.search(x["en"]) for s in data["sources"] for x in s["layers"])
    for table in (results.coverage, results.indicators, results.plan.ledger, results.plan.targets):
        for column in table.columns:
            if column.endswith("_en") or column in ("agencies", "indicators", "values", "note"):
                said = [str(x).partition(" / ")[2] or str(x) for x in table[column].dropna()]
                assert not [x for x in said if not CHINESE.search(x) and MARKS.search(x)], column
    written = up.City(folder).report(tmp_path / "report.html")
    assert "accessibility report" in written.read_text("utf-8")
