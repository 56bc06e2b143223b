"""Settings, .env.example, constraints and Makefile agree with each other."""

import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

from packaging.specifiers import SpecifierSet

from tests.machine.files import ROOT, example_variables, settings_variables

OLD_PYTHON = """
import runpy, sys
sys.version_info = (3, 9, 18)
sys.argv = ["portal/bootstrap.py", "setup"]
runpy.run_path("portal/bootstrap.py", run_name="__main__")
"""
TARGETS = ["setup", "run", "down", "test", "e2e", "proof", "lint", "typecheck", "format", "bench", "eval", "clean"]


def test_example_lists_every_variable_that_settings_read() -> None:
    assert settings_variables() - example_variables() == set()


def test_example_lists_nothing_else_but_the_password_of_the_composed_database() -> None:
    assert example_variables() - settings_variables() == {"POSTGRES_PASSWORD"}


def test_constraints_pin_every_package_exactly_and_name_no_registry() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    assert [
        line for line in lines if not re.fullmatch(r'[a-z0-9-]+==[\w.]+( ; python_full_version < "[\d.]+")?', line)
    ] == []


def test_every_installed_package_runs_on_the_oldest_python_we_promise() -> None:
    refused = [
        f"{package.name} {package.version} needs {package.metadata['Requires-Python']}"
        for package in importlib.metadata.distributions()
        if "3.11.0" not in SpecifierSet(package.metadata["Requires-Python"] or "")
    ]
    assert refused == []


def test_bare_make_lists_every_command() -> None:
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"^  make (\w+)", listed, re.MULTILINE) == ["help", *TARGETS]


def test_python_that_is_too_old_is_named_in_one_sentence() -> None:
    told = subprocess.run(
        [sys.executable, "-c", OLD_PYTHON],
        cwd=ROOT,
        env={"PATH": "/nowhere"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 1
    assert told.stderr.strip() == (
        f"Footnote needs Python 3.11 or newer and {sys.executable} is 3.9.18: "
        "install one, or name it: make setup PYTHON=/path/to/python"
    )


def test_browser_that_is_missing_is_installed_by_root_and_named_to_others(tmp_path: Path, root: bool) -> None:
    stand_in = tmp_path / "apt-get"
    stand_in.write_text('#!/bin/sh\necho "apt-get $*"\n')
    stand_in.chmod(0o755)
    told = subprocess.run(
        [sys.executable, "portal/bootstrap.py", "browser"],
        cwd=ROOT,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    if root:
        assert told.returncode == 0
        assert "apt-get install -y --no-install-recommends chromium fonts-liberation" in told.stdout
    else:
        assert told.returncode == 1
        assert told.stderr.startswith("The tests need them: run `sudo apt-get install ")
