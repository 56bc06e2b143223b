"""Two questions in one."""

import pytest

from kb.parting import parts


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (
            "How do I import a folder and how do I schedule publishing?",
            ("How do I import a folder", "how do I schedule publishing?"),
        ),
        ("What is the maximum size? Can I change the limit?", ("What is the maximum size", "Can I change the limit?")),
        (
            "How do I import a folder, and how do I undo it?",
            ("How do I import a folder", "how do I undo it? import folder"),
        ),
        (
            "Who may publish drafts; and who may delete articles, also where is the trash folder?",
            ("Who may publish drafts", "who may delete articles", "where is the trash folder?"),
        ),
    ],
)
def test_each_question_is_searched_by_itself(question: str, expected: tuple[str, ...]) -> None:
    assert parts(question) == expected


@pytest.mark.parametrize(
    "question",
    [
        "",
        "How do I import files and folders?",
        "What is the difference between drafts and versions?",
        "How do I know which plan and what price?",
        "I want to export everything and how do I import it?",
        "How do I see who published and when?",
        "How do I open the history and do a restore?",
        "Why is search slow and does not find my article?",
        "What happens when an import failed and was rolled back?",
        "Who may publish an article and is told about reviews?",
        "Why does the worker stop and will not start again?",
        "Can I a b and can I c d and can I e f and can I g h?",
    ],
)
def test_one_question_stays_one(question: str) -> None:
    assert parts(question) == (question,)
