"""What `evaluate answers` measures, on a set of three articles."""

import json
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from kb import evaluation, refusing
from kb.evaluation import answers, index_corpus, ranking
from kb.evaluation.answers import word_recall
from kb.grounding import Turn

CORPUS = [
    {"_id": "restore", "title": "Restore a version", "text": "Open the history and press the restore button."},
    {"_id": "limits", "title": "Limits of uploads", "text": "An upload holds at most 25 megabytes of pictures."},
    {"_id": "people", "title": "Invite people", "text": "An admin invites people by their address."},
]
QUESTIONS = [
    {"_id": "q1", "text": "Which button restores a version?", "answer": "Press the restore button."},
    {"_id": "q2", "text": "How many megabytes may an upload have?"},
]
FOREIGN = [{"_id": "f", "text": "zymurgy quoll"}]
BANK = refusing.bank()[::100]


def set_in(folder: Path, **files: list[dict[str, Any]]) -> Path:
    folder.mkdir()
    for name, rows in files.items():
        lines = "".join(f"{json.dumps(row)}\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(lines)
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\trestore\t1\nq2\tlimits\t1\n")
    return folder


def silent(rows: Any, what: str) -> Any:
    return rows


def test_a_conversation_is_its_last_question_with_what_was_said_before(tmp_path: Path) -> None:
    said = [
        {"speaker": "user", "text": "What is a draft?"},
        {"speaker": "agent", "text": "Something unpublished."},
        {"speaker": "user", "text": "Who sees it?"},
    ]
    tasks = [{"_id": "q1", "conversation": said, "reference_answer": "Editors.", "answerability": "UNANSWERABLE"}]
    [case] = evaluation.load(set_in(tmp_path / "set", corpus=CORPUS, tasks=tasks)).cases
    assert (case.question, case.answer, case.answerable) == ("Who sees it?", "Editors.", False)
    assert case.history == (Turn("What is a draft?", "Something unpublished."),)
    assert case.searched == "Who sees it? draft"


@pytest.mark.django_db(transaction=True)
def test_a_follow_up_is_ranked_as_readers_search_it(tmp_path: Path) -> None:
    said = [
        {"speaker": "user", "text": "Who invites people?"},
        {"speaker": "agent", "text": "An admin."},
        {"speaker": "user", "text": "And how?"},
    ]
    tasks = [{"_id": "q1", "conversation": said}, {"_id": "q2", "conversation": said[-1:]}]
    labelled = evaluation.load(set_in(tmp_path / "set", corpus=CORPUS, tasks=tasks))
    ids = index_corpus(labelled.corpus, progress=silent)
    lexical = ranking.evaluate(labelled, ids, progress=silent).stages["lexical"].rankings
    assert (lexical["q1"], lexical["q2"]) == (["people"], [])


@pytest.mark.django_db(transaction=True)
def test_right_citations_words_and_refusals_are_counted(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    labelled = evaluation.load(set_in(tmp_path / "set", corpus=CORPUS, queries=QUESTIONS))
    foreign = evaluation.load(set_in(tmp_path / "other", corpus=CORPUS, queries=FOREIGN))
    monkeypatch.setattr(refusing, "bank", lambda: BANK)
    settings.ANSWER_THRESHOLD = 0.5
    ids = index_corpus(labelled.corpus, progress=silent)
    result = answers.evaluate(labelled, ids, foreign=foreign.cases, progress=silent)
    made = result.as_dict()
    assert made["questions"] == 2
    assert made["right_source_cited"] == made["citation_recall"] == made["supported"] == 1.0
    assert made["gold_word_recall"] == 1.0
    assert (made["refusal_recall"], made["wrong_refusals"], made["cost"]) == (1.0, 0.0, 0)
    lines = [one.as_line() for one in (*result.outcomes, *result.foreign)]
    assert [line["state"] for line in lines] == ["answered", "answered", "refused"]
    assert lines[0]["cited"][0] == "restore"


def test_words_count_as_often_as_the_good_answer_uses_them() -> None:
    assert word_recall("Press restore, then press save.", "Press restore.⟦1⟧") == 0.5
    assert word_recall("", "anything") == 1.0
