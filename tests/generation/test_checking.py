"""The rules that decide whether a sentence is supported by what it cites."""

import pytest

from kb.checking import checked

PASSAGE = """\
Uploads are limited to 25 MB each, and 1,000 files a month, from 5 March 2026 on.
Press **Restore**; the old text becomes version 3.11.7 of the article.
You cannot restore a deleted article. Error E-1234 means that the file settings.py is missing.
Sessions end after 30 minutes without activity; this does not close the editor.
See https://docs.example.org/limits for more, or run `make run --port 8123`.
Plan | Price
Team | $20
The team keeps backups for three days.
1. Open History and choose the version."""


@pytest.mark.parametrize(
    "sentence",
    [
        "You cannot restore a deleted article.",
        "1. Open History and choose the version.",
        "Open History and choose the version.⟦1⟧",
        "Press Restore; the old text becomes version 3.11.7 of the article.",
        "Each upload may have up to 25MB.",
        "At most 1000 files can be uploaded a month.",
        "The limit on uploads holds from 5 March 2026.",
        "The limit on uploads holds from March 5, 2026.",
        "The limit on uploads holds from 2026-03-05.",
        "The error `E-1234` says that `settings.py` is missing.",
        "Deleted articles can't be restored.",
        "After 30 min without activity the session ends.",
        "Start it with `make run --port 8123`.",
        "A price of 20 dollars is asked for a team plan.",
        "Backups are kept for 3 days.",
        "More is at <https://docs.example.org/limits/>.",
        "Sessions end after 30 minutes without activity.",
    ],
)
def test_honest_sentences_are_supported(sentence: str) -> None:
    assert checked(sentence, [PASSAGE]).verdict == "supported"


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("Uploads are limited to 26 MB each.", "The quantity “26 MB” is not in the cited passage."),
        ("Uploads are limited to 25 GB each.", "The quantity “25 GB” is not in the cited passage."),
        ("Up to 1,500 files can be uploaded.", "The number “1,500” is not in the cited passage."),
        ("It holds from 6 March 2026 on.", "The date “6 March 2026” is not in the cited passage."),
        ("It holds from 5 April 2026 on.", "The date “5 April 2026” is not in the cited passage."),
        ("The old text becomes version 3.11.8 of the article.", "The number “3.11.8” is not in the cited passage."),
        ("Error E-1235 means that a file is missing.", "The name “e-1235” is not in the cited passage."),
        ("The file settings.toml is missing.", "The name “settings.toml” is not in the cited passage."),
        ("Run make with --host.", "The name “--host” is not in the cited passage."),
        (
            "See https://evil.example.org/limits.",
            "The address “https://evil.example.org/limits” is not in the cited passage.",
        ),
        ("The team keeps backups for four days.", "The number in “four days” is another one in the cited passage."),
        ("You can restore a deleted article.", "The cited passage says this with a negation."),
        ("Uploads are not limited to 25 MB each.", "The cited passage says this without the negation."),
        ("The team plan costs $30.", "The quantity “$30” is not in the cited passage."),
    ],
)
def test_a_changed_fact_is_unsupported_and_the_reason_names_it(sentence: str, reason: str) -> None:
    check = checked(sentence, [PASSAGE])
    assert (check.verdict, check.reason) == ("unsupported", reason)


def test_a_word_for_word_quotation_is_supported_across_a_line_end() -> None:
    assert (
        checked("select Use WPS at the bottom.", ["To go on, do this:\nselect\nUse WPS at the bottom."]).reason
        == "Quoted word for word."
    )


def test_the_end_of_a_negated_sentence_is_not_a_quotation_of_it() -> None:
    assert checked("Restore a deleted article.", [PASSAGE]).verdict == "unsupported"


def test_a_sentence_in_other_words_is_weak() -> None:
    check = checked("Bananas grow in warm countries near the sea.", [PASSAGE])
    assert (check.verdict, check.reason) == ("weak", "Few of its words are in the cited passage.")


def test_without_a_source_a_fact_is_unsupported_and_a_remark_weak() -> None:
    assert checked("It costs 20 euros.", []).verdict == "unsupported"
    assert checked("Here is how it works.", []).verdict == "weak"
    assert checked("Here is how it works.", []).reason == "No source is cited for this sentence."


def test_a_fact_may_be_in_any_of_the_passages_cited() -> None:
    assert (
        checked("The limit is 25 MB and 7 files.", ["The limit is 25 MB.", "7 files are the limit."]).verdict
        == "supported"
    )


def test_hostile_text_is_checked_in_time() -> None:
    for unit in ("1,", "a_", "not, ", "⟦1⟧", "- ", "`", "v1.", "5 March "):
        checked(unit * 2000, [unit * 4000])
