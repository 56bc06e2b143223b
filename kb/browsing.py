"""What stands beside search: titles as you type, related articles, and which words of a text match a question."""

from __future__ import annotations

import re

from django.contrib.postgres.search import SearchQuery, SearchVector, TrigramWordSimilarity
from django.db.models import OuterRef, Q, Subquery

from kb import identifiers
from kb.embedding import normalised
from kb.expressions import Distance, HalfVec
from kb.filters import EVERYWHERE, Within
from kb.models import Article, Embedder, Embedding, IndexedVersion, Lexeme
from kb.permissions import Reader, audience_ids
from kb.sentences import Span

TOO_FAR = 0.6  # cosine distance of two titles that have nothing to do with each other


def suggest(prefix: str, *, user: Reader, within: Within = EVERYWHERE, limit: int = 6) -> list[Article]:
    """Articles whose title has all words of the prefix, the last perhaps unfinished; else a title that sounds like it.

    Titles only, by the `simple` configuration: on bodies a prefix of one letter matches 94 % of all chunks.
    """
    words = re.findall(r"\w+", normalised(prefix))[:8]
    if not words or len("".join(words)) < 2:
        return []
    seen = Article.objects.visible_to(user).within(within).with_pages()
    query = " & ".join([f"'{word}'" for word in words[:-1]] + [f"'{words[-1]}':*"])
    vector = SearchVector("published_version__title", config="simple")
    wanted = SearchQuery(query, config="simple", search_type="raw")
    found = list(seen.annotate(title_words=vector).filter(title_words=wanted)[:limit])
    if found:
        return found
    likeness = TrigramWordSimilarity(" ".join(words), "published_version__title")
    return list(seen.annotate(likeness=likeness).filter(likeness__gte=0.5).order_by("-likeness")[:limit])


def complete(question: str, *, user: Reader, limit: int = 3) -> str:
    """The question with its unfinished last word replaced by words it may become; empty when nothing begins like it.

    For searching, never for showing: until words are counted again it may know one that was withdrawn this minute.
    """
    *before, last = normalised(question).lower().split() or [""]
    if len(last) < 2:
        return ""
    known = Lexeme.objects.filter(audiences__overlap=audience_ids(user)).filter(
        Q(lexeme__startswith=last) | Q(lexeme__startswith=identifiers.SIGN + last)
    )
    words = known.order_by("-articles", "lexeme").values_list("lexeme", flat=True)[:limit]
    return " ".join([*before, *(word.removeprefix(identifiers.SIGN) for word in words)]) if words else ""


def related(article: Article, *, user: Reader, limit: int = 3) -> list[Article]:
    """The articles whose titles are nearest in meaning, among those this reader may see."""
    embedder = Embedder.objects.filter(live=True).first()
    indexed = IndexedVersion.objects.filter(version=article.published_version).first()
    if embedder is None or indexed is None:
        return []
    own = Embedding.objects.filter(passage=indexed.title_id, embedder=embedder).values("vector")
    title = IndexedVersion.objects.filter(version=OuterRef("published_version")).values("title")[:1]
    other = Embedding.objects.filter(passage=OuterRef("title_passage"), embedder=embedder).values("vector")
    dimensions = embedder.dimensions
    distance = Distance(HalfVec(Subquery(other), dimensions), HalfVec(Subquery(own), dimensions))
    rows = (
        Article.objects.visible_to(user)
        .exclude(pk=article.pk)
        .with_pages()
        .annotate(title_passage=Subquery(title))
        .annotate(distance=distance)
        .filter(distance__lt=TOO_FAR)
    )
    return list(rows.order_by("distance")[:limit])


def highlights(text: str, question: str) -> list[Span]:
    """Where the words of the question stand in a text; word beginnings count, so that plurals and endings match."""
    asked = [word for word in re.findall(r"[^\W_]+", question.lower()) if len(word) > 2 and word not in IDLE]
    exact = [re.escape(name) for name in identifiers.identifiers(question)]
    stems = [rf"\b{re.escape(stem(word))}\w*" for word in asked]
    if not (exact or stems):
        return []
    return [Span(m.start(), m.end()) for m in re.finditer("|".join(exact + stems), text, re.IGNORECASE)]


def stem(word: str) -> str:
    """A word without its usual English ending; only for highlighting."""
    return re.sub(r"(ings?|ed|es|s|ly|ions?|ies|y)$", "", word) if len(word) > 5 else word.removesuffix("s") or word


IDLE = frozenset(
    """
    the and for are was were what how who whom why when where which can could does did not you your with from that this
    have has had will would should into about there their they them then than its it's
    """.split()  # noqa: SIM905  # a list of words reads better as words
)
