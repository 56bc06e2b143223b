"""What the tests of this folder read: the files of the repository's own machinery."""

import ast
import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
OURS = {name: service for name, service in COMPOSE["services"].items() if "build" in service}
OTHERS = {name: service for name, service in COMPOSE["services"].items() if "build" not in service}


def settings_variables() -> set[str]:
    """The environment variables that settings read, from the calls of `env`."""
    found = set()
    for call in ast.walk(ast.parse((ROOT / "portal" / "settings.py").read_text())):
        if isinstance(call, ast.Call) and call.args and isinstance(call.args[0], ast.Constant):
            reader = call.func.value if isinstance(call.func, ast.Attribute) else call.func
            if isinstance(reader, ast.Name) and reader.id == "env":
                found.add(str(call.args[0].value))
    return found


def example_variables() -> set[str]:
    return set(re.findall(r"^# ([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))


def interpolated_variables() -> set[str]:
    return set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))
