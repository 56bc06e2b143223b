"""What the documents say can be done can be done: targets, commands, options, settings, files."""

import argparse
import ast
import json
import re

import pytest
from django.core.management import get_commands, load_command_class

from tests.machine.files import example_variables
from tests.repository.files import DOCUMENTS, PROJECT, ROOT, code_of, fenced, modules, text_of

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
        asked = re.findall(r"(?<= )--?[a-z][a-z-]*", rest)
        assert set(asked) - options_of(command) == set(), command


def options_of(command: str) -> set[str]:
    app = get_commands()[command]
    made = load_command_class(app, command) if isinstance(app, str) else app
    parsers = [made.create_parser("manage.py", command)]
    for action in parsers[0]._actions:
        if isinstance(action, argparse._SubParsersAction):
            parsers += action.choices.values()
    return {option for parser in parsers for option in parser._option_string_actions}


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
    inside = [target for target in re.findall(r"\]\(([^)\s]+)\)", text_of(name)) if "://" not in target]
    assert [target for target in inside if not leads_somewhere(name, target)] == []


def leads_somewhere(name: str, target: str) -> bool:
    path, _, anchor = target.partition("#")
    if path and not (ROOT / path).exists():
        return False
    return not anchor or anchor in anchors(path or name)


def anchors(name: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", text_of(name), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_json_examples_of_the_readme_are_json_with_the_fields_of_the_code() -> None:
    examples = [json.loads(block) for block in fenced("README.md", "json")]
    assert [sorted(example) for example in examples] == [
        ["changed", "created", "failed", "notes", "unchanged"],
        ["hits", "timings_ms"],
        ["sentences", "sources", "state", "text", "timings_ms", "usage"],
        ["articles", "collections", "failed", "fresh", "lag_ms", "oldest_seconds", "queued", "running", "stale",
         "throughput", "workers"],
        ["checks", "creations", "edits", "events", "lost", "out_of_order", "renames", "seconds", "stale"],
    ]  # fmt: skip


def test_every_message_the_readme_explains_is_one_the_product_gives() -> None:
    table = text_of("README.md").partition("| It says | Do |")[2].partition("\n\n")[0]
    explained = re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)
    said = "\n".join(words_of(ast.parse(path.read_text())) for path in modules())
    assert len(explained) > 8
    assert [words for words in explained if not all(part in said for part in words.split("…"))] == []


def words_of(module: ast.Module) -> str:
    """Every text of a module; adjacent literals are one text, and so are the parts of an f-string."""
    found = []
    for node in ast.walk(module):
        parts = node.values if isinstance(node, ast.JoinedStr) else [node]
        found.append("".join(str(part.value) for part in parts if isinstance(part, ast.Constant)))
    return "\n".join(found)


def test_the_change_log_has_a_section_for_this_version() -> None:
    assert f"\n## {PROJECT['project']['version']}\n" in text_of("CHANGELOG.md")


def test_licence_of_the_project_is_the_one_in_the_file() -> None:
    assert PROJECT["project"]["license"] == "BSD-3-Clause"
    assert text_of("LICENSE").startswith("BSD 3-Clause License")
