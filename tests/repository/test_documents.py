"""What the documents say can be done can be done: targets, commands, options, settings, files."""

import json
import re

import pytest
from django.core.management import get_commands, load_command_class

from tests.machine.files import example_variables
from tests.repository.files import DOCUMENTS, PROJECT, ROOT, code_of, fenced, text_of

TARGETS = set(re.findall(r"^([a-z0-9]+):", text_of("Makefile"), re.MULTILINE))
MAKE_VARIABLES = set(re.findall(r"^([A-Z]+) [?:]?=", text_of("Makefile"), re.MULTILINE)) | {"HEADED", "BASE_URL"}
MAKE = re.compile(r"^\s*make ([a-z0-9]+)", re.MULTILINE)
SHELL_VARIABLES = {"BIN", "PGHOST", "PGUSER", "PGPASSWORD", "USER"}
FOLDERS = r"(?:kb|portal|streaming|tests|e2e|deploy|static|templates|content|bench|docs|public|editor|embedded)"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_make_target_exists(name: str) -> None:
    assert set(MAKE.findall(code_of(name))) - TARGETS == set()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_exists_and_takes_the_options_shown(name: str) -> None:
    for command, rest in re.findall(r"manage\.py ([a-z_]+)([^\n]*)", code_of(name)):
        assert command in get_commands(), command
        known = options_of(command)
        assert [option for option in re.findall(r"(?:^| )(--?[a-z][a-z-]*)", rest) if option not in known] == [], command


def options_of(command: str) -> set[str]:
    app = get_commands()[command]
    made = load_command_class(app, command) if isinstance(app, str) else app
    parser = made.create_parser("manage.py", command)
    known = set(parser._option_string_actions)
    return known | {f"-v{level}" for level in range(4)} | {"-v"}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_setting_named_is_one_that_settings_read(name: str) -> None:
    inline = re.findall(r"`([A-Z][A-Z_]{3,})(?:=[^`]*)?`", text_of(name))
    assigned = re.findall(r"^(?:export )?([A-Z][A-Z_]{3,})=", code_of(name), re.MULTILINE)
    known = example_variables() | MAKE_VARIABLES | SHELL_VARIABLES
    assert {word for word in inline + assigned if word not in known} - code_names() == set()


def code_names() -> set[str]:
    """Names in capitals that are not settings: constants of the code, words of SQL."""
    return {"SKIP", "LOCKED"}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_file_named_exists(name: str) -> None:
    named = re.findall(rf"`({FOLDERS}/[\w./-]*)`", text_of(name))
    places = (ROOT, ROOT / "portal")
    assert [path for path in named if not any((place / path).exists() for place in places)] == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_leads_to_a_file_and_heading(name: str) -> None:
    missing = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(name)):
        path, _, anchor = target.partition("#")
        if "://" in target:
            continue
        if path and not (ROOT / path).exists():
            missing.append(target)
        elif anchor and anchor not in anchors(path or name):
            missing.append(target)
    assert missing == []


def anchors(name: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", text_of(name), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_json_examples_of_the_readme_are_json_with_the_fields_of_the_code() -> None:
    examples = [json.loads(block) for block in fenced("README.md", "json")]
    assert [sorted(example) for example in examples] == [
        ["changed", "created", "failed", "notes", "unchanged"],
        ["hits", "timings_ms"],
        ["sentences", "sources", "state", "text", "timings_ms", "usage"],
        ["articles", "failed", "fresh", "lag_ms", "queued", "running", "stale"],
    ]


def test_the_change_log_has_a_section_for_this_version() -> None:
    assert f"\n## {PROJECT['project']['version']}\n" in text_of("CHANGELOG.md")


def test_licence_of_the_project_is_the_one_in_the_file() -> None:
    assert PROJECT["project"]["license"] == "BSD-3-Clause"
    assert text_of("LICENSE").startswith("BSD 3-Clause License")
