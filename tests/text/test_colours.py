"""The colours of code listings: few, and readable in both themes."""

import re
from pathlib import Path

import pytest
from django.conf import settings

from kb.markdown import listings

STYLES = (Path(settings.BASE_DIR) / "static" / "footnote.css").read_text()
COLOURS = dict(re.findall(r"--([\w-]+): light-dark\(([^)]*)\)", STYLES))
RULES = re.findall(r"\.listing (?::is\()?((?:\.\w+(?:, )?)+)\)? \{ [^}]*?color: var\(--([\w-]+)\)", STYLES)


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_every_colour_of_a_listing_stands_out_from_its_ground(theme: int) -> None:
    assert len(RULES) >= 5
    ground = COLOURS["tint"].split(", ")[theme]
    for classes, name in RULES:
        assert contrast(COLOURS[name].split(", ")[theme], ground) >= 4.5, classes


def test_every_kind_of_code_has_its_style() -> None:
    assert {name for name in listings.CLASSES if f".{name}" not in STYLES} == set()
