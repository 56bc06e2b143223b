"""ARCHITECTURE.md shows the house as it is: every module in the tree, the layers as lint enforces them."""

import re

from tests.repository.files import PROJECT, fenced, modules, name_of, text_of


def drawn() -> set[str]:
    """The files of the tree in ARCHITECTURE.md, by indentation."""
    tree = next(block for block in fenced("ARCHITECTURE.md") if block.startswith("portal/"))
    found, folders = set(), []
    for line in tree.splitlines():
        indent, name = re.match(r"( *)(\S+)", line).groups()
        folders = folders[: len(indent) // 2]
        if name.endswith("/"):
            folders.append(name)
        else:
            found.add("".join(folders) + name)
    return found


def test_the_tree_names_every_module_and_no_other() -> None:
    real = {name_of(path) for path in modules() if path.name != "__init__.py"}
    assert real - drawn() == set(), "not in the tree of ARCHITECTURE.md"
    assert drawn() - real == set(), "only in the tree of ARCHITECTURE.md"


def test_every_line_of_the_tree_says_what_it_is_for() -> None:
    tree = next(block for block in fenced("ARCHITECTURE.md") if block.startswith("portal/"))
    assert [line for line in tree.splitlines() if not re.fullmatch(r" *\S+ +\S.{3,}", line)] == []


def test_the_layers_shown_are_those_that_lint_enforces() -> None:
    contracts = PROJECT["tool"]["importlinter"]["contracts"]
    exhaustive = next(contract for contract in contracts if contract.get("exhaustive"))
    assert fenced("ARCHITECTURE.md", "layers")[0].splitlines() == exhaustive["layers"]


def test_every_function_named_exists() -> None:
    places = {path.stem: path for path in modules("kb", "streaming") if path.name != "__init__.py"}
    places |= {path.parent.name: path for path in modules("kb", "streaming") if path.name == "__init__.py"}
    named = re.findall(r"`([a-z_]+)\.([A-Za-z_]+)`", text_of("ARCHITECTURE.md"))
    asked = [(module, name) for module, name in named if module in places]
    assert len(asked) > 15
    missing = [(module, name) for module, name in asked if not re.search(rf"\b{name}\b", places[module].read_text())]
    assert missing == []
