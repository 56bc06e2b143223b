"""Is what readers can search exactly what is published? Compared with the texts themselves, not with what is stored."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from django.conf import settings
from django.contrib.auth.models import AnonymousUser

from kb import chunking, markdown
from kb.embedding import Embedder, get_embedder
from kb.models import Article, Chunk
from kb.publishing import Content


@dataclass(frozen=True)
class Findings:
    """Articles by what is wrong with them: another text than the published one is searchable, or none at all."""

    stale: set[int]
    lost: set[int]


def check(published: dict[int, Content]) -> Findings:
    """Compare what a reader can find, and what the pages show, with what was published; anything more is stale."""
    found = searchable()
    pages = Article.objects.visible_to(AnonymousUser())
    shown = dict(pages.values_list("pk", "published_version__title"))
    sources = dict(pages.values_list("pk", "published_version__source"))
    lost = {number for number in published if number not in found or number not in shown}
    wrong = {
        number
        for number, content in published.items()
        if number not in lost
        and (found[number] != passages(content) or (shown[number], sources[number]) != (content.title, content.source))
    }
    leaked = (found.keys() | shown.keys()) - published.keys()
    return Findings(stale=wrong | leaked, lost=lost)


def searchable() -> dict[int, tuple[str, ...]]:
    """Article → the passages of it that both legs of the search can find, in order: visible, with a live vector."""
    chunks = Chunk.objects.visible_to(AnonymousUser()).filter(vector__embedder__live=True)
    rows = chunks.order_by("version__article", "ordinal").values_list("version__article", "passage__text")
    return {number: tuple(text for _, text in texts) for number, texts in groupby(rows, key=itemgetter(0))}


def passages(content: Content) -> tuple[str, ...]:
    """What should be searchable of an article, made from its text alone."""
    return made(content, get_embedder())


@functools.lru_cache(maxsize=4096)
def made(content: Content, embedder: Embedder) -> tuple[str, ...]:
    pieces = chunking.chunk(
        content.title,
        markdown.blocks(content.source),
        count=embedder.count,
        limit=settings.CHUNK_LIMIT,
        overlap=settings.CHUNK_OVERLAP,
    )
    return tuple(piece.lead + piece.body for piece in pieces)
