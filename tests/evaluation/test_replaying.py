"""A history of edits, replayed: what is counted, what a check notices, and what a bad file is told."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from kb import indexing, tasks
from kb.evaluation import EvaluationError, edits, replaying, serving
from kb.evaluation.edits import Edit
from kb.evaluation.replaying import Tally
from kb.evaluation.searchable import Findings, check
from kb.models import Article, Chunk, Embedding, Passage, Redirect
from tests.index.chaos.workers import database


def edit(operation: Any, path: str, text: str = "", old_path: str = "") -> Edit:
    return Edit(operation, path, old_path, None if operation == "D" else edits.content(text, path))


ONE = "---\ntitle: One\n---\n\n## First\n\nAbout cats.\n\n## Second\n\nAbout dogs."
HISTORY = [
    edit("A", "a/one.md", ONE),
    edit("A", "a/two.md", "# Two\n\nAbout birds."),
    edit("M", "a/one.md", ONE.replace("cats", "lions")),
    edit("R", "b/uno.md", ONE.replace("cats", "lions"), "a/one.md"),
    edit("R", "b/dos.md", "# Two\n\nAbout parrots.", "a/two.md"),
    edit("M", "a/unknown.md", "Nobody added this."),
    edit("D", "b/uno.md"),
    edit("D", "never.md"),
    edit("A", "b/uno.md", ONE),
]


def replayed(history: list[Edit] = HISTORY) -> tuple[replaying.Result, replaying.Writer]:
    editor, result = replaying.writer(), replaying.Result()
    with tasks.without_wake_ups():
        for one in history:
            for kind in editor.act(one):
                replaying.count(kind, editor.articles.get(one.path), result)
    return result, editor


@pytest.mark.django_db
def test_every_kind_of_edit_is_counted_apart() -> None:
    result, editor = replayed()

    assert result.tallies == {
        "creations": Tally(chunks_embedded=4, chunks_reused=2),  # what was deleted comes back with its old vectors
        "edits": Tally(chunks_embedded=2, chunks_reused=1),
        "renames": Tally(chunks_embedded=0, chunks_reused=3),
    }
    assert check(editor.published) == Findings(stale=set(), lost=set())
    assert sorted(Article.objects.published().values_list("slug", flat=True)) == ["dos", "unknown", "uno"]
    assert Redirect.objects.get(old_slug="one").article == Article.objects.get(slug="uno")
    assert Article.objects.get(slug="uno").collection.name.endswith("b")


@pytest.mark.django_db
def test_a_rename_onto_another_article_deletes_that_one() -> None:
    _, editor = replayed([*HISTORY[:2], edit("R", "a/two.md", ONE, "a/one.md")])

    assert [content.title for content in editor.published.values()] == ["One"]
    assert check(editor.published) == Findings(set(), set())


@pytest.mark.django_db
def test_a_check_finds_what_is_lost_what_is_stale_and_what_is_shown_though_it_was_deleted() -> None:
    _, editor = replayed()
    one, two, third = (editor.articles[f"{name}.md"] for name in ("b/uno", "b/dos", "a/unknown"))
    Chunk.objects.filter(version__article=two).delete()
    Embedding.objects.filter(passage__chunks__version__article=third, passage__text__contains="Nobody").delete()
    assert check(editor.published) == Findings(stale=set(), lost={two, third})

    Passage.objects.filter(text__contains="cats").update(text="One > First\nAbout lions.")
    assert check(editor.published).stale == {one}

    del editor.published[one]
    assert check(editor.published) == Findings(stale={one}, lost={two, third})


@pytest.mark.django_db
def test_a_save_that_is_not_indexed_yet_is_stale() -> None:
    _, editor = replayed()
    with tasks.without_wake_ups():
        [*_] = editor.act(edit("M", "b/dos.md", "# Two\n\nAbout crows."))
    assert check(editor.published).stale == {editor.articles["b/dos.md"]}
    indexing.drain()
    assert check(editor.published).stale == set()


@pytest.mark.django_db
def test_a_pointer_that_goes_back_is_out_of_order() -> None:
    with serving.watched():
        _, editor = replayed()
        assert serving.moves_backwards() == 0
        number = editor.articles["b/dos.md"]
        Article.objects.filter(pk=number).update(published_version=Article.objects.get(pk=number).versions.last())
        assert serving.moves_backwards() == 1


def test_titles_come_from_front_matter_heading_or_name_and_bad_front_matter_is_no_obstacle() -> None:
    assert edits.content("---\ntitle: A\n---\nText", "x/b-c.md").title == "A"
    assert edits.content("# A\n\nText", "x/b-c.md") == edits.content("---\ntitle: A\n---\nText", "x/b-c.md")
    assert edits.content("Text", "x/b-c.md").title == "b c"
    assert edits.content("---\ntitle: [\n---\nText\0", "x/b-c.md").source == "Text"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 2, is not JSON"),
        ('{"op": "X", "path": "a", "text": ""}', "line 2, is no edit"),
        ('{"op": "A", "path": "a"}', "line 2, is no edit"),
        ("[]", "line 2, is no edit"),
        (json.dumps({"op": "A", "path": "a", "text": "x" * 600_000}), "600,000 characters"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, said: str) -> None:
    file = tmp_path / "history.jsonl"
    file.write_text('{"op": "D", "path": "a"}\n' + line)
    with pytest.raises(EvaluationError, match=said):
        list(edits.read(file))
    assert len(list(edits.read(file, limit=1))) == 1


@pytest.mark.parametrize(
    "contents", [None, b"no gzip", gzip.compress(b"x" * 99, mtime=0)[:20], gzip.compress(b"\xff", mtime=0)]
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, contents: bytes | None) -> None:
    file = tmp_path / "history.jsonl.gz"
    if contents is not None:
        file.write_bytes(contents)
    with pytest.raises(EvaluationError, match=r"history\.jsonl\.gz"):
        list(edits.read(file))


@pytest.mark.django_db(transaction=True)
def test_the_command_replays_in_a_database_of_its_own_and_leaves_it_when_asked(tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    rows = [{"op": "A", "path": "one.md", "text": "About cats."}, {"op": "M", "path": "one.md", "text": "About dogs."}]
    file.write_text("\n".join(map(json.dumps, rows)))

    command = [sys.executable, "manage.py", "replay", str(file), "--json", "--keep"]
    environment = {**os.environ, **database(), "EMBEDDER": "kb.providers.fake.FakeEmbedder"}
    done = subprocess.run(command, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_database WHERE datname = %s", [said["database"]])
        assert cursor.fetchone() == (1,)
        cursor.execute(f'DROP DATABASE "{said["database"]}"')
    assert said | {"seconds": 0, "database": ""} == {
        "events": 2,
        "stale": 0,
        "lost": 0,
        "out_of_order": 0,
        "edits": {"chunks_embedded": 1, "chunks_reused": 0},
        "renames": {"chunks_embedded": 0, "chunks_reused": 0},
        "creations": {"chunks_embedded": 1, "chunks_reused": 0},
        "checks": 3,
        "seconds": 0,
        "database": "",
    }
    assert not Article.objects.exists()
