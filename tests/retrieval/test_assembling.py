"""Which chunks an answer rests on."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from kb.assembling import PER_ARTICLE, PER_CLEAR_ARTICLE, assemble, together
from kb.retrieval import Hit


def hit(number: int, article: int, *, text: str = "", score: float = 1.0) -> Hit:
    return Hit(
        chunk_id=number,
        article_id=article,
        version_id=article,
        version_number=1,
        passage_id=number,
        slug=f"article-{article}",
        title=f"Article {article}",
        collection="guides",
        heading_path=(),
        anchor="",
        lines=(number,),
        text=text or f"passage {number} speaks of matter {number} alone",
        score=score,
        ranks={},
        parts={"article": score},
        updated=datetime(2026, 11, 1, tzinfo=UTC),
        language="en",
    )


def words(text: str) -> int:
    return len(text.split())


def chosen(hits: list[Hit], following: dict[int, Hit] | None = None, *, most: int = 8, budget: int = 999) -> list[int]:
    return [one.chunk_id for one in assemble(hits, following or {}, most=most, budget=budget, count=words)]


def test_an_article_gives_a_few_chunks_so_that_others_have_room() -> None:
    hits = [hit(number, 1) for number in range(1, 6)] + [hit(9, 2)]
    assert chosen(hits) == [*range(1, PER_ARTICLE + 1), 9]


def test_an_article_that_is_clearly_the_answer_gives_more() -> None:
    hits = [hit(number, 1, score=2.0) for number in range(1, 7)] + [hit(9, 2)]
    assert chosen(hits) == [*range(1, PER_CLEAR_ARTICLE + 1), 9]


def test_what_goes_on_under_the_same_heading_stands_behind_the_best_passage() -> None:
    assert chosen([hit(5, 1), hit(7, 2)], {5: hit(6, 1)}) == [5, 6, 7]


def test_the_same_words_are_a_source_once_beyond_the_two_best_articles() -> None:
    same = "one and the same passage in three articles of the help center"
    hits = [hit(1, 1, text=same), hit(2, 2, text=same), hit(3, 3, text=same), hit(4, 4)]
    assert chosen(hits) == [1, 2, 4]


def test_the_best_passage_is_there_however_small_the_budget() -> None:
    assert chosen([hit(1, 1), hit(2, 2)], budget=1) == [1]


@given(
    st.lists(st.tuples(st.integers(1, 5), st.floats(0, 3)), max_size=30),
    st.integers(1, 10),
    st.integers(1, 80),
)
def test_never_more_than_allowed_and_only_what_was_given(
    drawn: list[tuple[int, float]], most: int, budget: int
) -> None:
    hits = [hit(number, article, score=score) for number, (article, score) in enumerate(drawn, 1)]
    made = assemble(hits, {}, most=most, budget=budget, count=words)
    assert len(made) <= most
    assert all(one in hits for one in made)
    assert len(made) == len({one.chunk_id for one in made})
    assert sum(words(one.text) for one in made) <= max(budget, *(words(one.text) for one in made[:1]), 0)
    assert bool(made) == bool(hits)


def test_several_questions_take_turns_article_by_article_and_count_the_same() -> None:
    first = [hit(1, 1, score=4.0), hit(2, 1, score=3.9), hit(3, 2, score=3.0)]
    second = [hit(4, 3, score=2.0), hit(1, 1, score=1.5), hit(5, 1, score=1.0)]
    made = together([first, second])
    assert [one.chunk_id for one in made] == [1, 2, 5, 4, 3]
    assert [round(one.score, 3) for one in made] == [4.0, 3.9, 3.0, 4.0, 3.0]
    assert together([[], []]) == []
