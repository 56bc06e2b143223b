"""Shoots every page, wide and narrow, light and dark: `python -m e2e.screenshots DIR [--base-url URL] [--only NAME …]`.

Without an address it starts a site of its own, with the demo content. `DIR/readme.png` is the picture for the README.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from e2e import browsers
from e2e.people import sign_in
from e2e.places import PLACES, Place
from e2e.site import Site, own

WIDTHS = {"wide": 1280, "narrow": 390}
HEIGHT = 800
THEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")
COLOURS = 128  # of the picture for the README: text and few colours, so that it stays small


def main() -> None:
    parser = argparse.ArgumentParser(description="Shoot every page.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--base-url", default="")
    parser.add_argument("--only", nargs="*", default=[], choices=[place.name for place in PLACES], metavar="NAME")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    chosen = [place for place in PLACES if not asked.only or place.name in asked.only]
    with running(asked.base_url) as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(**browsers.launch_options(urlsplit(site.url).hostname or ""))
        for place in chosen:
            shoot(browser, site, place, asked.folder)
            print(place.name)
        browser.close()


@contextmanager
def running(url: str) -> Iterator[Site]:
    """The site that is named, or one of our own."""
    if url:
        yield Site(url.rstrip("/"), None)
        return
    with tempfile.TemporaryDirectory(prefix="footnote-") as folder, own(Path(folder)) as site:
        yield site


def shoot(browser: Browser, site: Site, place: Place, folder: Path) -> None:
    """One page four times; it is opened once, and its window and theme changed."""
    context = browser.new_context(base_url=site.url, reduced_motion="reduce")
    page = context.new_page()
    if place.person:
        sign_in(page, place.person)
    place.go(page)
    for word, width in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": HEIGHT})
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)
            page.screenshot(path=folder / f"{place.name}-{word}-{theme}.png", full_page=True)
    if place.name == "answered":
        for_readme(page, folder / "readme.png")
    context.close()


def for_readme(page: Page, path: Path) -> None:
    """The upper part of the page, with few colours."""
    page.set_viewport_size({"width": WIDTHS["wide"], "height": HEIGHT})
    page.emulate_media(color_scheme="light")
    page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=path)
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(COLOURS).save(path, optimize=True)


if __name__ == "__main__":
    main()
