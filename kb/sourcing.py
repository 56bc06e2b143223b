"""The numbered sources of an answer, out of the hits of its question; under the same access rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from django.conf import settings

from kb import embedders
from kb.assembling import BEST, articles, assemble
from kb.errors import ProviderError
from kb.grounding import Source, sentences_of
from kb.models import Chunk
from kb.permissions import Reader
from kb.retrieval import Hit

LETTERS = 4  # of a wordpiece, about


def choose(hits: Sequence[Hit], user: Reader, *, share: int = 1) -> list[Hit]:
    """The chunks for the answer, with what goes on from the best of them, under the same access rule.

    `share`: among so many questions the room for them is divided.
    """
    best = [hit for hit in hits if hit.article_id in articles(hits)[:BEST]]
    return assemble(
        hits,
        following(best, user),
        most=max(1, settings.ANSWER_SOURCES // share),
        budget=settings.ANSWER_WORDPIECES // share,
        count=counter(),
    )


def counter() -> Callable[[str], int]:
    """Wordpieces of a text; about as many where no embedder can run, since words alone may have found the hits."""
    try:
        return embedders.serving().count
    except ProviderError:
        return lambda text: len(text) // LETTERS


def following(hits: Sequence[Hit], user: Reader) -> dict[int, Hit]:
    """By chunk id, the chunk that goes on under the same heading, as a hit that fits as well as the one before it."""
    before = {hit.chunk_id: hit for hit in hits}
    rows = Chunk.objects.visible_to(user).following(list(before)).select_related("passage")
    return {
        row.before: replace(  # type: ignore[attr-defined]  # annotated by following()
            before[row.before],  # type: ignore[attr-defined]  # annotated by following()
            chunk_id=row.pk,
            passage_id=row.passage_id,
            anchor=row.anchor,
            lines=tuple(row.lines),
            text=row.passage.body,
        )
        for row in rows
    }


def number(hits: Sequence[Hit]) -> tuple[Source, ...]:
    return tuple(source(place, hit) for place, hit in enumerate(hits, 1))


def source(place: int, hit: Hit) -> Source:
    return Source(
        number=place,
        article_id=hit.article_id,
        slug=hit.slug,
        title=hit.title,
        collection=hit.collection,
        heading_path=hit.heading_path,
        anchor=hit.anchor,
        version_id=hit.version_id,
        version_number=hit.version_number,
        passage_id=hit.passage_id,
        text=hit.text,
        sentences=sentences_of(hit.text, hit.lines or (1,)),
        score=hit.score,
        updated=hit.updated,
    )
