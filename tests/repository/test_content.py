"""The demo help center: every article can be read, every link leads somewhere, and secrets stay where they belong."""

import re
from pathlib import Path

import frontmatter
import pytest
from django.core.management import get_commands

from kb import linking, markdown
from kb.languages import configuration
from tests.machine.files import example_variables
from tests.repository.files import ROOT, name_of, tracked
from tests.repository.test_documents import MAKE, TARGETS

CONTENT = ROOT / "content"
CANARIES = {"support-desk": "MARIGOLD-7", "operations": "OBSIDIAN-3"}
FILES = [path for path in tracked() if path.is_relative_to(CONTENT)]
ARTICLES = [path for path in FILES if path.suffix == ".md" and not path.name.startswith("_")]
SHELVES = [path for path in FILES if path.name == "_collection.md"]
RESTRICTED = {"support-desk": "signed-in", "operations": "group:Operators"}


def source_of(path: Path) -> str:
    return frontmatter.load(str(path)).content


def test_there_are_enough_articles_and_collections() -> None:
    assert len(ARTICLES) >= 30
    assert len(SHELVES) >= 6
    assert {path.parent for path in ARTICLES} == {path.parent for path in SHELVES}


@pytest.mark.parametrize("path", ARTICLES, ids=name_of)
def test_front_matter_is_complete(path: Path) -> None:
    meta = frontmatter.load(str(path)).metadata
    assert set(meta) == {"title", "summary", "tags", "language", "position"}
    assert 0 < len(str(meta["title"])) <= 200
    assert 0 < len(str(meta["summary"])) <= 300
    assert all(isinstance(tag, str) and len(tag) <= 40 for tag in meta["tags"])
    assert configuration(meta["language"]) != "kb_simple"


@pytest.mark.parametrize("path", SHELVES, ids=name_of)
def test_collection_says_who_may_read(path: Path) -> None:
    meta = frontmatter.load(str(path)).metadata
    assert set(meta) == {"title", "description", "position", "audience"}
    assert meta["audience"] == RESTRICTED.get(path.parent.name, "everyone")


@pytest.mark.parametrize("path", ARTICLES, ids=name_of)
def test_every_link_leads_to_an_article_and_heading(path: Path) -> None:
    inside = [target for target in markdown.links(source_of(path)) if not linking.is_elsewhere(target)]
    assert [target for target in inside if not leads_somewhere(path, target)] == []


def leads_somewhere(path: Path, target: str) -> bool:
    file, _, fragment = target.partition("#")
    linked = (path.parent / file).resolve() if file else path
    if linked not in ARTICLES:
        return linked in FILES and linked.suffix == ".svg"
    headings = markdown.render(source_of(linked)).contents
    return not fragment or markdown.anchor(fragment) in {heading.anchor for heading in headings}


@pytest.mark.parametrize("path", ARTICLES, ids=name_of)
def test_every_figure_exists_and_is_described(path: Path) -> None:
    for description, target in re.findall(r"!\[([^\]]*)\]\(([^)\s]+)\)", source_of(path)):
        if not linking.is_elsewhere(target):
            assert (path.parent / target).is_file(), target
            assert len(description) > 20, target


def test_no_two_articles_share_an_address_or_title() -> None:
    for values in ([path.stem for path in ARTICLES], [frontmatter.load(str(path))["title"] for path in ARTICLES]):
        assert sorted(values) == sorted(set(values))


def test_canary_words_stand_in_every_restricted_article_and_in_no_other() -> None:
    for path in (path for path in FILES if path.suffix in {".md", ".svg"}):
        words = {word for word in CANARIES.values() if word in path.read_text(encoding="utf-8")}
        assert words == {CANARIES[path.parent.name]} if path.parent.name in CANARIES else words == set(), name_of(path)


@pytest.mark.parametrize("path", ARTICLES, ids=name_of)
def test_commands_and_settings_named_exist(path: Path) -> None:
    source = source_of(path)
    code = "\n".join(re.findall(r"```\w*\n(.*?)```", source, re.DOTALL) + re.findall(r"`([^`\n]+)`", source))
    assert set(re.findall(r"manage\.py ([a-z_]+)", code)) - get_commands().keys() == set()
    assert set(MAKE.findall(code)) - TARGETS == set()
    named = re.findall(r"^\s*([A-Z]+_[A-Z_]+)=", code, re.MULTILINE) + re.findall(r"`([A-Z]+_[A-Z_]+)`", source)
    assert set(named) - example_variables() == set()
