"""Why a search found what it found: every stage of one retrieval, and why a given article did not come up."""

from __future__ import annotations

from dataclasses import dataclass

from kb import permissions, retrieval
from kb.filters import EVERYWHERE, Within
from kb.models import Article, Chunk
from kb.permissions import Reader
from kb.retrieval import Hit, Trace


@dataclass(frozen=True)
class Row:
    """A candidate through the stages. Ranks count from 1; None where a stage did not have it.

    `words`: BM25 over the most this question could reach, 0 to 1; `cosine`: of question and passage; `maxsim`: late
    interaction of the rerank, 0 if not reranked.
    """

    place: str
    slug: str
    anchor: str
    words: float
    words_rank: int | None
    cosine: float | None
    vector_rank: int | None
    fused: int | None
    final: int | None
    maxsim: float
    score: float | None


@dataclass(frozen=True)
class Explanation:
    """One retrieval, readable. `verdict`: about the article that was named.

    `question`: its lexemes by the alphabet; their frequencies, and so their order, would tell of hidden articles.
    """

    question: tuple[str, ...]
    allowed: int
    rows: tuple[Row, ...]
    verdict: str


def explain(question: str, *, user: Reader, article: Article | None = None, within: Within = EVERYWHERE) -> Explanation:
    """Retrieve as this reader and keep every stage; reranked candidates first, then the rest by the better leg."""
    traced = retrieval.trace(question, user=user, within=within)
    words = traced.question.words if traced.question else ()
    lexemes = tuple(sorted(word.lexeme for word in words))
    allowed = Chunk.objects.visible_to(user).within(within).count()
    verdict = why(article, user=user, traced=traced, within=within) if article is not None else ""
    return Explanation(lexemes, allowed, tuple(rows(traced, user)), verdict)


def rows(traced: Trace, user: Reader) -> list[Row]:
    final = {hit.chunk_id: (place, hit) for place, hit in enumerate(traced.hits, 1)}
    fused = {chunk_id: place for place, chunk_id in enumerate(traced.fused, 1)}
    chunks = (
        Chunk.objects.visible_to(user).select_related("version", "live").in_bulk([leg.chunk_id for leg in traced.legs])
    )
    made = []
    for leg in traced.legs:
        place, hit = final.get(leg.chunk_id, (None, None))
        chunk = chunks.get(leg.chunk_id)
        if chunk is not None and chunk.live is not None:  # else it was withdrawn this moment
            made.append(
                Row(
                    place=" > ".join([chunk.version.title, *chunk.heading_path]),
                    slug=chunk.live.slug,
                    anchor=chunk.anchor,
                    words=leg.words / traced.question.reachable if traced.question else 0.0,
                    words_rank=leg.ranks["words"],
                    cosine=leg.cosine,
                    vector_rank=leg.ranks["vector"],
                    fused=fused.get(leg.chunk_id),
                    final=place,
                    maxsim=hit.parts["maxsim"] if hit else 0.0,
                    score=hit.score if hit else None,
                )
            )
    return sorted(made, key=lambda row: (row.final or 10_000, row.fused or 10_000, -row.words))


def why(article: Article, *, user: Reader, traced: Trace, within: Within) -> str:
    """In a sentence or two: at which stage this article was lost, or the place at which it came up."""
    name = f"“{article.shown_title}”"
    if article.state != Article.State.PUBLISHED:
        return f"{name} is not published: its state is {article.get_state_display().lower()}."
    if article.audience_id not in permissions.audience_ids(user):
        return f"{name} was filtered out: its audience “{article.audience}” does not include this reader."
    if article.published_version is None:
        return f"{name} is published, but its first version is still being indexed."
    if not Article.objects.within(within).filter(pk=article.pk).exists():
        return f"{name} was left out: it is not among what this search was narrowed to."
    return by_stage(name, article, traced)


def by_stage(name: str, article: Article, traced: Trace) -> str:
    found = next((place for place, hit in enumerate(traced.hits, 1) if is_of(hit, article)), None)
    if found:
        return f"{name} came up at place {found}."
    own = set(Chunk.objects.filter(version=article.published_version).values_list("pk", flat=True))
    legs = [leg for leg in traced.legs if leg.chunk_id in own]
    if legs:
        best = min(rank for leg in legs for rank in leg.ranks.values() if rank)
        return f"{name} was found at place {best} of a leg, but is not among the candidates that were reranked."
    return (
        f"Neither leg had {name} among its candidates: others share rarer words with the question or are nearer to it."
    )


def is_of(hit: Hit, article: Article) -> bool:
    return hit.article_id == article.pk
