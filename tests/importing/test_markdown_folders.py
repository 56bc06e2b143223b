"""A folder of Markdown becomes articles, and becomes them only once."""

from pathlib import Path

import pytest
from django.core.exceptions import ValidationError

from kb import importing, publishing
from kb.models import Article, ArticleVersion, AuditEntry, IndexJob
from tests import factories

pytestmark = pytest.mark.django_db

INSTALL = """---
title: Install Footnote
summary: From nothing to a running page.
slug: set-up
tags: [setup, linux]
position: 3
language: en
---

Run `make run`.
"""


def contents() -> dict[str, tuple[str, str]]:
    """Each article's latest title and text, by the file it came from."""
    articles = Article.objects.select_related("latest_version")
    return {a.external_id: (a.latest_version.title, a.latest_version.source) for a in articles}


def test_front_matter_becomes_the_fields_of_the_article(write, run):
    write("install.md", INSTALL)
    report = run()
    article = Article.objects.get()
    version = article.latest_version
    assert report.as_dict() == {"created": 1, "changed": 0, "unchanged": 0, "failed": [], "notes": []}
    assert (article.slug, article.tags, article.position, article.external_id) == (
        "set-up", ["setup", "linux"], 3, "install.md",
    )  # fmt: skip
    assert (version.title, version.summary, version.source) == (
        "Install Footnote", "From nothing to a running page.", "Run `make run`.",
    )  # fmt: skip


def test_without_front_matter_the_first_heading_is_the_title_and_else_the_file_name(write, run):
    write("a.md", "\n# Restore a version #\n\nOpen the history.")
    write("quick_start-guide.markdown", "Just text.")
    write("c.md", "---\ntitle: Other\n---\n# Kept heading\n\nText.")
    run()
    assert contents() == {
        "a.md": ("Restore a version", "Open the history."),
        "quick_start-guide.markdown": ("quick start guide", "Just text."),
        "c.md": ("Other", "# Kept heading\n\nText."),
    }


def test_a_rule_at_the_top_is_no_front_matter(write, run):
    write("rule.md", "---\nEverything below stays.\n\n---\n\nThis too.")
    run()
    assert contents()["rule.md"][1] == "---\nEverything below stays.\n\n---\n\nThis too."


def test_hidden_files_and_other_kinds_are_no_articles(write, run):
    for name in ("one.md", "_collection.md", ".hidden.md", ".git/two.md", "_drafts/three.md", "picture.png", "n.css"):
        write(name, "title: x")
    report = run()
    assert report.created == 1
    assert report.notes == ["Left out, because no article can be made of them: n.css."]


def test_importing_again_changes_nothing(write, run):
    write("install.md", INSTALL)
    write("guide/index.md", "# Guide\n\n[Install](../install.md#next-steps) ![Chart](chart.png)\n")
    run(publish=True)
    before = everything()
    report = run(publish=True)
    assert (report.created, report.changed, report.unchanged) == (0, 0, 2)
    assert everything() == before


def everything() -> list[list[object]]:
    """All rows that an import could touch, times included."""
    return [list(model.objects.order_by("pk").values()) for model in (Article, ArticleVersion, AuditEntry, IndexJob)]


def test_a_changed_file_changes_only_its_article(write, run):
    write("install.md", INSTALL)
    write("other.md", "Other.")
    run()
    write("install.md", INSTALL.replace("make run", "make run PORT=8123"))
    report = run()
    assert (report.created, report.changed, report.unchanged) == (0, 1, 1)
    numbers = dict(Article.objects.values_list("external_id", "latest_version__number"))
    assert numbers == {"install.md": 2, "other.md": 1}
    assert Article.objects.get(external_id="install.md").latest_version.note == "Imported again"


def test_changed_tags_are_a_change_without_a_new_version(write, run):
    write("install.md", INSTALL)
    run()
    write("install.md", INSTALL.replace("setup, linux", "setup"))
    assert run().changed == 1
    article = Article.objects.get()
    assert (article.tags, article.latest_version.number) == (["setup"], 1)


def test_a_new_file_may_not_take_the_address_of_another_article(write, run, collection):
    factories.article("Set up", collection=collection, slug="set-up")
    write("install.md", INSTALL)
    write("sub/set-up.md", "Another one.")
    run()
    slugs = dict(Article.objects.exclude(external_id="").values_list("external_id", "slug"))
    assert slugs == {"install.md": "set-up-2", "sub/set-up.md": "set-up-3"}
    run()
    assert dict(Article.objects.exclude(external_id="").values_list("external_id", "slug")) == slugs


def test_a_dry_run_says_the_same_and_writes_nothing(write, run):
    write("install.md", INSTALL)
    write("bad.md", b"\xff\xfe")
    planned = run(dry_run=True, publish=True).as_dict()
    assert not Article.objects.exists()
    assert planned == run(publish=True).as_dict()
    write("install.md", INSTALL + "\nMore.\n")
    planned = run(dry_run=True).as_dict()
    assert ArticleVersion.objects.count() == 1
    assert planned == run().as_dict()
    assert planned["changed"] == 1


def test_imported_articles_are_drafts_unless_they_are_to_be_published(write, run, index, reader):
    write("install.md", INSTALL)
    run()
    assert Article.objects.get().state == "draft"
    report = run(publish=True)
    index()
    assert (report.changed, report.unchanged) == (1, 0)
    assert Article.objects.visible_to(reader).get().slug == "set-up"


def test_what_an_editor_archived_is_not_published_by_importing_again(write, run):
    write("install.md", INSTALL)
    run(publish=True)
    publishing.archive(Article.objects.get(), by=None)
    assert run(publish=True).unchanged == 1
    assert Article.objects.get().state == "archived"


def test_a_person_without_the_role_imports_nothing(write, run, reader):
    write("install.md", INSTALL)
    [failure] = run(by=reader).failed
    assert failure.reason == "Your role in “Guides” does not allow this (write)."


def test_an_empty_folder_is_nothing_to_import(folder, run):
    with pytest.raises(
        ValidationError, match=r"handbook: There is nothing to import: no file ending in \.docx, \.htm, "
    ):
        run()


def test_a_single_file_can_be_imported(write, collection):
    file = write("install.md", INSTALL)
    assert importing.import_path(file, importing.Options(collection=collection)).created == 1
    assert Article.objects.get().external_id == "install.md"


def test_windows_line_ends_and_a_byte_order_mark_are_no_part_of_the_text(write, run):
    write("win.md", b"\xef\xbb\xbf---\r\ntitle: From Windows\r\n---\r\nOne.\r\nTwo.\r\n")
    run()
    assert contents() == {"win.md": ("From Windows", "One.\nTwo.")}


def test_the_articles_of_two_imports_into_two_collections_are_different_ones(write, run, folder: Path):
    write("install.md", INSTALL)
    run()
    elsewhere = factories.collection("Elsewhere")
    assert importing.import_path(folder, importing.Options(collection=elsewhere)).created == 1
    assert set(Article.objects.values_list("slug", flat=True)) == {"set-up", "set-up-2"}
