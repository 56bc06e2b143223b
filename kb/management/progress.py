"""Progress bars of the commands."""

import sys
from collections.abc import Iterable
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")


def bar(items: Iterable[Item], label: str) -> Iterable[Item]:
    """A progress bar on a terminal; nothing elsewhere."""
    return tqdm(items, desc=label, unit="", disable=not sys.stderr.isatty(), leave=False)
