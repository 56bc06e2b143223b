"""Sentences with an error put in, and whether checking marks them."""

import pytest

from kb.checking import checked
from kb.evaluation import seeding
from kb.evaluation.sets import Case, LabelledSet

TEXT = """\
An upload holds at most 25 MB of pictures and other files of any kind.

You cannot restore an article once its owner has deleted it for good.

The service began on 5 March 2026 and goes on until somebody stops it.

Read https://docs.example.org/limits before you ask us about the limits.

Write the name of the host into settings.py before the first start."""


@pytest.fixture
def labelled() -> LabelledSet:
    case = Case("q", "How large may an upload be?", {"a": 1.0}, "An upload may hold up to 25 MB.")
    return LabelledSet("set", [{"_id": "a", "title": "Uploads", "text": TEXT}], [case])


def test_every_kind_of_error_is_put_in_and_marked_and_nothing_honest_is(labelled: LabelledSet) -> None:
    made = seeding.measure(labelled)
    assert set(made["seeded"]) == set(seeding.CHANGES)
    assert made["missed"] == []
    assert made["quotations"] == 5
    assert (made["quotations_marked"], made["honest"], made["honest_unsupported"], made["honest_weak"]) == (0, 1, 0, 0)


def test_the_same_corpus_gives_the_same_cases(labelled: LabelledSet) -> None:
    assert seeding.seeded(labelled.corpus, each=3) == seeding.seeded(labelled.corpus, each=3)


@pytest.mark.parametrize(
    ("said", "read", "verdict"),
    [
        ("Plan | Price | 20", "Plan | Price | 21", "unsupported"),
        ('{{ relURL "a" }}', '{{ absURL "a" }}', "unsupported"),
        ("Press the SAVE button to keep it.", "Press the SENT button to keep it. The SAVE key is grey.", "unsupported"),
        ("Set it to 59 minutes and 59 minutes.", "Set it to 59 minutes and 59 seconds.", "unsupported"),
        ("Zgotmplx shows that unsafe text was found.", "Zgotmplq shows that unsafe text was found.", "weak"),
        ("See https://example.org/a", "See https://example.org/a-old", "unsupported"),
    ],
)
def test_what_stands_elsewhere_or_otherwise_is_marked(said: str, read: str, verdict: str) -> None:
    assert checked(said, [read]).verdict == verdict
