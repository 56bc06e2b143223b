"""Run a command as an operator does, and read what it says."""

import json
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command


@pytest.fixture
def said() -> Callable[..., str]:
    """What a command writes."""

    def said(*arguments: str) -> str:
        out = StringIO()
        call_command(*arguments, stdout=out, no_color=True)
        return out.getvalue()

    return said


@pytest.fixture
def told(said: Callable[..., str]) -> Callable[..., Any]:
    """What a command says with --json."""
    return lambda *arguments: json.loads(said(*arguments, "--json"))
