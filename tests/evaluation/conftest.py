"""A small labelled set in a folder."""

import json
from pathlib import Path

import pytest

from tests.commands.conftest import said, told

__all__ = ["said", "told"]

CORPUS = [
    {
        "_id": "sync",
        "title": "Synchronise folders",
        "text": "Start with `--dry-run` first.\n\nThe file settings.toml holds max_retry_count. Shared: `--verbose`.",
    },
    {
        "_id": "errors",
        "title": "Error codes",
        "text": "E-4711 means that the disk is full.\n\n[More](https://example.org/help-9.html). Shared: `--verbose`.",
    },
    {"_id": "api", "title": "For programs", "text": "Call `getUserById` of client.users. See max_retry_count_total."},
]
QUERIES = [
    {"_id": "q1", "text": "try what synchronising does before it is done"},
    {"_id": "q2", "text": "the disk is full"},
    {"_id": "q3", "text": "a question that nobody labelled"},
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """corpus.jsonl, queries.jsonl and qrels.tsv."""
    where = tmp_path / "small"
    where.mkdir()
    for name, rows in (("corpus", CORPUS), ("queries", QUERIES)):
        (where / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (where / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\tsync\t1\nq2\terrors\t2\nq2\tapi\t0\n")
    return where
