"""A real browser for tests: every message, request and dialog of a page is noted."""

from __future__ import annotations

from patience import PATIENCE_S

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
]  # fmt: skip


def open_page(browser, path, width=1280, height=900, state="", **context):
    """Open a page from disk, wait until it is drawn; `page.noise` is what should not happen."""
    page = browser.new_page(viewport={"width": width, "height": height}, **context)
    page.set_default_timeout(1000 * PATIENCE_S)
    page.noise = []
    page.on(
        "console", lambda m: page.noise.append(m.text) if m.type in ("error", "warning") else None
    )
    page.on("pageerror", lambda e: page.noise.append(str(e)))
    page.on("dialog", lambda d: (page.noise.append(d.message), d.dismiss()))
    page.on(
        "request",
        lambda r: (
            page.noise.append(r.url)
            if not r.url.startswith((path.as_uri(), "data:", "blob:"))
            else None
        ),
    )
    page.goto(path.as_uri() + state)
    page.wait_for_selector("html[data-ready=yes]", state="attached")
    return page
