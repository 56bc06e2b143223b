"""A virtual environment for each framework, below var/: nothing of theirs comes into the product's own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from django.conf import settings

from portal.bootstrap import uv_environment

HERE = Path(__file__).resolve().parent


def python_of(name: str) -> Path:
    """The interpreter that has what this framework's requirements ask for; installed when they have changed."""
    folder = settings.VAR / "peers" / name
    wanted, stamp = (HERE / f"{name}.txt").read_text(), folder / "installed.txt"
    python = folder / "bin" / "python"
    if not stamp.exists() or stamp.read_text() != wanted:
        uv = Path(sys.executable).with_name("uv")
        run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder)
        run(uv, "pip", "install", "--quiet", "--python", python, "--requirement", HERE / f"{name}.txt")
        stamp.write_text(wanted)
    return python


def run(*command: str | Path) -> None:
    subprocess.run(command, env=uv_environment(), check=True)
