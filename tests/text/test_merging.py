"""Two people change one text: both changes are kept where they do not touch, and both readings where they do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kb import merging

BASE = "# Keys\n\nThey hang behind the door. Take one.\n\n- one\n- two\n- three\n\nBring them back."


def merged(theirs: str, yours: str, base: str = BASE) -> merging.Merged:
    return merging.merge(base, theirs, yours, their_name="Ann")


@pytest.mark.parametrize(
    ("theirs", "yours", "both"),
    [
        (("Keys", "The keys"), ("Bring", "Please bring"), ("# The keys", "Please bring")),
        (("- one\n", "- one\n- one and a half\n"), ("- three", "- 3"), ("- one and a half", "- 3")),
        (("- one", "- 1"), ("- two", "- 2"), ("- 1\n- 2\n- three",)),
        (("the door", "the window"), ("Take one.", "Take two."), ("behind the window. Take two.",)),
        (("They hang behind the door. Take one.\n\n", ""), ("Bring", "Please bring"), ("# Keys\n\n- one", "Please")),
        (("back.", "back.\n\nThanks."), ("# Keys", "# All keys"), ("# All keys", "Thanks.")),
        (("- two", "- 2"), ("- two", "- 2"), ("- one\n- 2\n- three",)),
    ],
)
def test_changes_that_do_not_touch_are_both_there(
    theirs: tuple[str, str], yours: tuple[str, str], both: tuple[str, ...]
) -> None:
    found = merged(BASE.replace(*theirs), BASE.replace(*yours))

    assert found.conflicts == 0
    assert [part for part in both if part not in found.text] == []
    assert found == merged(BASE.replace(*yours), BASE.replace(*theirs))


def test_changes_of_one_sentence_are_shown_beside_each_other() -> None:
    found = merged(BASE.replace("behind the door", "beside the window"), BASE.replace("behind", "above"))

    assert found.conflicts == 1
    assert found.text.split("\n")[2:7] == [
        "⚠⚠⚠ Ann:",
        "They hang beside the window. Take one.",
        "⚠⚠⚠ You:",
        "They hang above the door. Take one.",
        "⚠⚠⚠ Keep one of the two, or make one of both; then remove the three lines with this sign.",
    ]
    assert merging.undecided(found.text) == [3, 5, 7]
    assert found.text.startswith("# Keys\n\n")
    assert found.text.endswith("Bring them back.")


def test_what_one_removed_and_the_other_changed_is_for_a_person() -> None:
    found = merged(BASE.replace("- two\n", ""), BASE.replace("- two", "- 2"))

    assert "⚠⚠⚠ Ann: nothing, this was removed\n⚠⚠⚠ You:\n- 2\n" in found.text


def test_two_insertions_at_one_place_are_for_a_person() -> None:
    found = merged(BASE + "\n\nTheirs.", BASE + "\n\nYours.")

    assert found.conflicts == 1
    assert "Theirs." in found.text
    assert "Yours." in found.text


TEXTS = st.lists(st.sampled_from(["a", "b", "c. d.", "", "e"]), max_size=8).map("\n".join)


@given(TEXTS, TEXTS)
def test_what_only_one_changed_is_as_they_have_it(base: str, other: str) -> None:
    assert merged(base, other, base) == merged(other, base, base) == merging.Merged(other, 0)


@given(TEXTS, TEXTS, TEXTS)
def test_no_line_that_somebody_added_is_lost(base: str, theirs: str, yours: str) -> None:
    found = merged(theirs, yours, base)

    words = set(found.text.split())
    for side in (theirs, yours):
        assert set(side.split()) - set(base.split()) - words == set()
    if theirs == yours:
        assert found == merging.Merged(theirs, 0)


@given(TEXTS)
def test_sentences_put_together_are_the_text(text: str) -> None:
    assert "".join(merging.PIECE.findall(text)) == text
