"""Labelled sets come from anywhere: what can be read is read, and what cannot is said with its line."""

from pathlib import Path
from typing import Any

import pytest

from kb import evaluation
from kb.evaluation import EvaluationError, sets
from kb.markdown import MAX_SOURCE

CORPUS = '{"_id": "a", "title": "First", "text": "One."}\n'
QUERIES = '{"_id": 1, "text": "Which is first?"}\n'
COLUMNS = "query-id\tcorpus-id\tscore\n"


def folder(where: Path, **files: str | bytes) -> Path:
    """A set with a corpus and questions, unless other texts are given for its files."""
    for name, content in ({"corpus": CORPUS, "queries": QUERIES} | files).items():
        file = where / (f"{name}.tsv" if name == "qrels" else f"{name}.jsonl")
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return where


def test_a_set_without_labels_is_read_and_ids_may_be_numbers(tmp_path: Path) -> None:
    [case] = evaluation.load(folder(tmp_path)).cases
    assert (case.key, case.grades) == ("1", {})


@pytest.mark.parametrize(
    "qrels",
    [
        COLUMNS + "1\ta\t2\n1\tb\t0\n",
        "1\ta\t2\n",
        "1\t0\ta\t2\n",
        "1 0 a 2\n",
        "\ufeffquery-id\tcorpus-id\tscore\r\n1\ta\t2\r\n\r\n",
    ],
    ids=["a header and a grade of 0", "no header", "TREC's four columns", "spaces", "a byte-order mark and CRLF"],
)
def test_labels_are_read_as_tables_are_found(tmp_path: Path, qrels: str) -> None:
    [case] = evaluation.load(folder(tmp_path, qrels=qrels)).cases
    assert case.grades == {"a": 2.0}


def test_what_a_database_cannot_hold_is_left_out_of_documents(tmp_path: Path) -> None:
    rows = '{"_id": "a", "title": "Nu\\u0000l", "text": "half \\ud83d of a pair"}\n\n{"_id": "b", "text": null}\n'
    one, other = evaluation.load(folder(tmp_path, corpus=rows)).corpus
    assert one == {"_id": "a", "title": "Nul", "text": "half ? of a pair"}
    assert other == {"_id": "b", "title": "", "text": ""}


def test_a_line_that_comes_twice_counts_once(tmp_path: Path) -> None:
    assert len(evaluation.load(folder(tmp_path, corpus=CORPUS * 2)).corpus) == 1


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"corpus": CORPUS + "{\n"}, "corpus.jsonl, line 2, is not JSON: "),
        ({"corpus": "[1]\n"}, "corpus.jsonl, line 1, is not an object with fields."),
        ({"corpus": '{"text": "One."}\n'}, "corpus.jsonl, line 1, has no “_id”."),
        ({"corpus": CORPUS + '{"_id": "a", "text": "Two."}\n'}, "line 2: another line has the _id “a”, too."),
        ({"corpus": "\n"}, "corpus.jsonl in {folder} holds no document."),
        ({"queries": ""}, "queries.jsonl in {folder} holds no question."),
        ({"queries": b"\xff\xfe"}, "queries.jsonl is not UTF-8 text: save it in that encoding."),
        ({"queries": '{"_id": "q"}\n'}, "queries.jsonl: “q” has no question: neither “text” nor a “conversation”"),
        ({"queries": '{"_id": "q", "conversation": ["Hi"]}\n'}, "queries.jsonl: “q” has no question"),
        ({"qrels": COLUMNS + "1\ta\n"}, "qrels.tsv, line 2, is not “query-id, corpus-id, score”, parted by tabs."),
        ({"qrels": COLUMNS + "1\ta\tbest\n"}, "qrels.tsv, line 2, is not"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_place(tmp_path: Path, files: dict[str, Any], message: str) -> None:
    with pytest.raises(EvaluationError) as raised:
        evaluation.load(folder(tmp_path, **files))
    assert message.format(folder=tmp_path) in str(raised.value)


def test_a_document_longer_than_an_article_becomes_several() -> None:
    text = "word " * (MAX_SOURCE // 5) + "\n" + "more"
    assert [len(part) for part in sets.parts(text)] == [MAX_SOURCE, 5]
    assert "".join(sets.parts("x" * (2 * MAX_SOURCE + 1))) == "x" * (2 * MAX_SOURCE + 1)
