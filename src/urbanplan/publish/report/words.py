"""What a report says in one language: its own words, and the names that the data carries."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

from urbanplan.errors import InputError
from urbanplan.files import read_toml
from urbanplan.publish.html.tables import plain

#: Languages that a report is written in, and where each stands in a pair.
LANGUAGES = ("zh", "en")
_HAN = re.compile("[\u3400-\u9fff]")
#: Marks that turn the direction of text: a name must not be able to reorder its line.
_TURNING = set(range(0x202A, 0x202F)) | set(range(0x2066, 0x206A)) | {0x200E, 0x200F, 0xFEFF}


@cache
def _words() -> dict[str, list[str]]:
    return read_toml(Path(__file__).parent / "words.toml")


class Words:
    """Words of one language.

    Raises
    ------
    InputError
        If the language is not one of `LANGUAGES`.
    """

    def __init__(self, lang: str) -> None:
        if lang not in LANGUAGES:
            raise InputError(
                f"no report is written in '{lang}'", where="--lang", remedy="use zh or en"
            )
        self.lang = lang
        self._at = LANGUAGES.index(lang)

    def __call__(self, key: str, **values: Any) -> str:
        """The words of a key, with values put in; a value is never read as a pattern itself."""
        return _words()[key][self._at].format(**values)

    def has(self, key: str) -> bool:
        """Whether there are words of that key."""
        return key in _words()

    def pair(self, zh: Any, en: Any) -> str:
        """The one of two names that is in this language, or the other where it is missing."""
        first, second = (zh, en) if self.lang == "zh" else (en, zh)
        return clean(first) or clean(second)

    def named(self, thing: Any) -> str:
        """The name of something with ``name_zh`` and ``name_en``."""
        return self.pair(thing.name_zh, thing.name_en)

    def own(self, thing: Any, name: str) -> str:
        """A text of a table or object, in Chinese where it also has one (``…_zh``) and that is the language."""
        get = thing.get if isinstance(thing, dict) else lambda key: getattr(thing, key, "")
        return (clean(get(f"{name}_zh")) if self.lang == "zh" else "") or clean(get(name))

    def part(self, text: str) -> str:
        """This language's part of a text that says it twice, as ``Chinese / English``."""
        parts = clean(text).split(" / ")
        if len(parts) < 2:
            return parts[0]
        # A name may hold the mark itself: English is what follows the last Chinese.
        cuts = range(1, len(parts))
        plain = [k for k in cuts if not _HAN.search(" / ".join(parts[k:]))]
        cut = plain[0] if plain else max(1, len(parts) // 2)
        return " / ".join(parts[:cut] if self.lang == "zh" else parts[cut:])

    def listed(self, names: list[str], most: int = 6) -> str:
        """Names one after another; of many, the first, and how many more there are."""
        mark = "、" if self.lang == "zh" else ", "
        text = mark.join(names[:most])
        more = len(names) - most
        return text if more <= 0 else self("and_more", names=text, more=more)


def clean(value: Any) -> str:
    """A value of the data as one line: no controls, no marks that turn it, no halves of characters."""
    value = plain(value)
    kept = []
    for char in "" if value is None else str(value):
        if char.isspace():
            kept.append(" ")
        elif unicodedata.category(char) not in ("Cc", "Cs") and ord(char) not in _TURNING:
            kept.append(char)
    return re.sub(" {2,}", " ", "".join(kept)).strip()
