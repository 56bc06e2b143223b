"""House rules that no linter knows."""

import ast
import re

from tests.repository.files import PACKAGES, ROOT, modules, name_of, text_of, tracked

LONGEST = 300
# Lines it may have, and why it is still one module.
LONGER: dict[str, tuple[int, str]] = {}
GENERATED = re.compile(r"\d{4}_(auto_|(add|remove|alter|rename|delete)_.*_and_more)|.*_\d{8}_\d{4}$")


def python_files() -> list[str]:
    return [name_of(path) for path in modules(*PACKAGES, "deploy", "tests", "e2e", "bench", "manage.py")]


def test_no_module_is_past_its_length() -> None:
    lengths = {name_of(path): len(path.read_text().splitlines()) for path in modules(*PACKAGES, "deploy", "manage.py")}
    assert {name: lines for name, lines in lengths.items() if lines > LONGER.get(name, (LONGEST,))[0]} == {}


def test_no_exception_outlives_its_reason() -> None:
    assert [name for name in LONGER if len(text_of(name).splitlines()) <= LONGEST] == []


def test_every_module_says_what_it_is_for() -> None:
    parsed = {name: ast.parse(text_of(name)) for name in python_files()}
    assert [name for name, module in parsed.items() if module.body and not ast.get_docstring(module)] == []


def test_nothing_is_left_to_do_and_no_fault_is_hidden() -> None:
    unwanted = re.compile(
        r"\bTO" + r"DO\b|\bFIX" + r"ME\b|\bXXX\b|pragma: no " + r"cover|except Base" + r"Exception|^\s*except:", re.M
    )
    assert [name for name in python_files() if unwanted.search(text_of(name))] == []


def test_every_ignored_type_error_names_its_code_and_reason() -> None:
    allowed = re.compile(r"# type: ignore\[[\w, -]+\]  # \w.+")
    lines = [(name_of(path), line.strip()) for path in modules() for line in path.read_text().splitlines()]
    assert [(name, line) for name, line in lines if "# type: " in line and not allowed.search(line)] == []


def test_no_script_or_style_stands_in_a_template() -> None:
    inline = re.compile(r"<style|<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|\shx-on|javascript:", re.IGNORECASE)
    pages = [path for path in tracked() if path.is_relative_to(ROOT / "templates") and path.suffix == ".html"]
    assert [name_of(path) for path in pages if inline.search(path.read_text())] == []


def test_every_migration_is_named_by_hand_and_has_its_own_number() -> None:
    for app in PACKAGES:
        names = [path.stem for path in tracked() if path.match(f"{app}/migrations/[0-9]*.py")]
        assert [name for name in names if not re.fullmatch(r"\d{4}_[a-z][a-z_]+", name) or GENERATED.match(name)] == []
        assert len({name[:4] for name in names}) == len(names)
