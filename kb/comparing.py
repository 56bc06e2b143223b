"""Every passage that readers get, compared with every other: which of them say nearly the same.

A little at a time, in the background, and each pair once: a passage never changes, so neither does its likeness.
"""

from __future__ import annotations

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from kb import embedders
from kb.models import Article, Chunk, Comparison, Embedder, Likeness, Passage

ALIKE = 0.9  # cosine from which two passages count as near copies
SHORTEST = 12  # wordpieces; shorter ones are alike without saying much
PAIRS = 5_000_000  # compared a run; about three seconds of one core of the database

# What readers get and was not compared yet, with all that was, and with those of its own batch that come before it.
COMPARE = """
WITH batch AS (SELECT unnest(%(batch)s::bigint[]) AS passage_id),
compared AS (SELECT passage_id FROM kb_comparison UNION SELECT passage_id FROM batch)
INSERT INTO kb_likeness (one_id, other_id, cosine)
SELECT DISTINCT least(mine.passage_id, theirs.passage_id), greatest(mine.passage_id, theirs.passage_id),
       1 - (mine.vector::halfvec({dimensions}) <=> theirs.vector::halfvec({dimensions}))
FROM batch
JOIN kb_embedding AS mine ON mine.passage_id = batch.passage_id AND mine.embedder_id = {embedder}
CROSS JOIN compared
JOIN kb_embedding AS theirs ON theirs.passage_id = compared.passage_id AND theirs.embedder_id = {embedder}
WHERE theirs.passage_id <> mine.passage_id
  AND mine.vector::halfvec({dimensions}) <=> theirs.vector::halfvec({dimensions}) <= %(distance)s
ON CONFLICT DO NOTHING
"""


def published_passages() -> Q:
    """Passages of what readers get."""
    return Q(Exists(Chunk.objects.filter(passage=OuterRef("pk"), live__state=Article.State.PUBLISHED)))


@transaction.atomic
def compare() -> int:
    """Compare what is new, up to a limit, and forget what readers no longer get. Returns how many were compared."""
    embedder = embedders.live_row()
    if embedder is None or not is_alone():
        return 0
    forget(embedder)
    batch = waiting(embedder)
    if batch:
        statement = COMPARE.format(embedder=int(embedder.pk), dimensions=int(embedder.dimensions))
        with connection.cursor() as cursor:
            cursor.execute(statement, {"batch": batch, "distance": 1 - ALIKE})
        Comparison.objects.bulk_create(Comparison(passage_id=pk, embedder=embedder) for pk in batch)
    return len(batch)


def is_alone() -> bool:
    """Whether nobody else compares now; two at once would miss the pairs between their batches."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('kb.comparing'))")
        [alone] = cursor.fetchone()
    return bool(alone)


def forget(embedder: Embedder) -> None:
    """What is no longer published, or was compared by another embedder, is compared anew should it come back."""
    kept = Passage.objects.filter(published_passages())
    Comparison.objects.filter(Q(~Q(embedder=embedder)) | ~Q(passage__in=kept)).delete()
    compared = Comparison.objects.values("passage")
    Likeness.objects.filter(~Q(one__in=compared) | ~Q(other__in=compared)).delete()


def waiting(embedder: Embedder) -> list[int]:
    """The passages whose turn it is: fewer of them the more there are to compare each with."""
    limit = max(20, PAIRS // max(1, Comparison.objects.count()))
    return list(new(embedder).order_by("pk").values_list("pk", flat=True)[: min(limit, 1000)])


def new(embedder: Embedder) -> QuerySet[Passage]:
    """What readers get and was not compared yet."""
    live = Passage.objects.filter(published_passages(), embeddings__embedder=embedder, wordpieces__gte=SHORTEST)
    return live.exclude(pk__in=Comparison.objects.values("passage"))
