"""Build the documentation: ``python docs/build.py [OUT]``; any warning is an error.

Pages are written beside the result first (`making/`), then Sphinx sets them. What is generated is
never committed, so it cannot be out of date.
"""

from __future__ import annotations

import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent


def main(out: Path) -> int:
    """Write sources into ``OUT/../docs-source`` and the site into OUT; gives Sphinx's exit code."""
    sys.path.insert(0, str(DOCS))
    from making.site import write_sources
    from sphinx.cmd.build import build_main

    sources = out.parent / f"{out.name}-source"
    write_sources(ROOT, sources)
    # -W: a broken link, a heading out of order, a page that nothing leads to all end the build.
    cache = out.parent / f"{out.name}-cache"
    strict = ["-q", "-W", "--keep-going", "-E", "-b", "html"]
    return build_main([*strict, "-c", str(DOCS), "-d", str(cache), str(sources), str(out)])


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "docs"))
