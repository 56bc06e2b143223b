"""One change of many articles: what it would do to each, doing it one by one, and undoing exactly that.

A batch is a row with one item an article. Whoever works on it takes items one at a time, each in a transaction of its
own, so that a worker may die, and two may work at once. What an item changed is kept as values; undoing puts them back
where the article still stands as it was left, and leaves it alone where somebody changed it since.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

from celery import shared_task
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone
from kombu.exceptions import OperationalError

from kb import deleting, publishing, standing
from kb.models import Article, Batch, BatchItem
from kb.permissions import Reader
from kb.verbs import VERBS, Change

log = logging.getLogger(__name__)

AT_ONCE = 50  # articles that are done within the request; more are done by a worker, and the page shows how far it is
UNDOABLE = timedelta(hours=1)
CHANGED_SINCE = "Somebody changed this since, so it was left as it is."


def start(change: Change, articles: Iterable[Article], *, by: Reader) -> Batch:
    """Make the batch, and carry it out: at once when it is small, else by a worker."""
    if not by.is_authenticated:
        raise PermissionDenied("Sign in first.")
    with transaction.atomic():
        batch = Batch.objects.create(verb=change.verb.name, value=change.value, by_id=by.pk)
        BatchItem.objects.bulk_create([BatchItem(batch=batch, article=article) for article in articles], 1000)
    return go_on(batch)


def undo(batch: Batch, *, by: Reader) -> Batch:
    """Take back what this batch did. Raises ValidationError when it is too late or was done already."""
    if batch.by_id != by.pk:
        raise PermissionDenied("Only the person who did this can undo it.")
    with transaction.atomic():
        locked = Batch.objects.select_for_update().get(pk=batch.pk)
        if locked.state != Batch.State.DONE:
            raise ValidationError("This is being worked on." if locked.is_at_work else "This was undone already.")
        if not can_undo(locked):
            raise ValidationError("This was done more than an hour ago and cannot be undone as a whole any more.")
        Batch.objects.filter(pk=batch.pk).update(state=Batch.State.UNDOING)
    return go_on(batch)


def can_undo(batch: Batch) -> bool:
    is_recent = batch.at > timezone.now() - UNDOABLE
    return batch.state == Batch.State.DONE and is_recent and batch.items.filter(state=BatchItem.State.DONE).exists()


def go_on(batch: Batch) -> Batch:
    """Here and now when it is small; else a worker is told, and the periodic task finds it whatever happens."""
    if batch.items.count() <= AT_ONCE:
        work(batch.pk)
    else:
        transaction.on_commit(lambda: wake(batch.pk), robust=True)
    batch.refresh_from_db()
    return batch


def wake(batch_id: int) -> None:
    try:
        work_on.delay(batch_id)
    except OperationalError as error:
        log.warning("batch %s: no worker hears of it (%s); the periodic task will", batch_id, error)


@shared_task
def work_on(batch_id: int) -> int:
    return work(batch_id)


@shared_task
def go_on_with_unfinished() -> int:
    """What a request or a worker left unfinished when it died."""
    left = Batch.objects.filter(state__in=[Batch.State.DOING, Batch.State.UNDOING], at__lt=Now() - timedelta(seconds=5))
    return sum(gone_on(pk) for pk in left.values_list("pk", flat=True))


def gone_on(batch_id: int) -> int:
    """A fault of one batch keeps none of the others waiting."""
    try:
        return work(batch_id)
    except Exception:
        log.exception("batch %s cannot go on", batch_id)
        return 0


def work(batch_id: int) -> int:
    """Take items until none is left; how many were done here."""
    batch, done = Batch.objects.select_related("by").get(pk=batch_id), 0
    while batch.is_at_work and take_one(batch):
        done += 1
    finish(batch_id)
    return done


def finish(batch_id: int) -> None:
    """Over when nothing waits, and nobody holds an item."""
    for before, waiting, after in (
        (Batch.State.DOING, BatchItem.State.WAITING, Batch.State.DONE),
        (Batch.State.UNDOING, BatchItem.State.DONE, Batch.State.UNDONE),
    ):
        over = Batch.objects.filter(pk=batch_id, state=before).exclude(items__state=waiting)
        over.update(state=after)


@transaction.atomic
def take_one(batch: Batch) -> bool:
    undoing = batch.state == Batch.State.UNDOING
    waiting = batch.items.filter(state=BatchItem.State.DONE if undoing else BatchItem.State.WAITING)
    item = waiting.select_for_update(skip_locked=True, of=("self",)).select_related("article").first()
    if item is None:
        return False
    try:
        with transaction.atomic():
            take_back(item, batch) if undoing else do(item, batch)
    except (ValidationError, PermissionDenied) as error:
        item.state = BatchItem.State.KEPT if undoing else BatchItem.State.REFUSED
        item.reason = (" ".join(error.messages) if isinstance(error, ValidationError) else str(error))[:300]
    except Exception:
        log.exception("batch %s: article %s failed", batch.pk, item.article_id)
        item.state = BatchItem.State.KEPT if undoing else BatchItem.State.REFUSED
        item.reason = "This failed for a reason of ours; the log has it."
    item.save()
    return True


def do(item: BatchItem, batch: Batch) -> None:
    """The change itself, by the verbs of publishing, which check the role once more."""
    article = Article.objects.select_related("collection").get(pk=item.article_id)
    change = Change(VERBS[batch.verb], batch.value)
    before = standing.of(publishing.lock(article))
    change.carry_out(article, by=batch.by)
    after = standing.of(publishing.lock(article, in_trash=True))
    item.before, item.after = standing.changes(before, after)
    if not item.after:
        raise ValidationError("Nothing to change.")
    item.state = BatchItem.State.DONE


def take_back(item: BatchItem, batch: Batch) -> None:
    verb = VERBS[batch.verb]
    locked = publishing.lock(item.article, in_trash=True)
    if not standing.holds(locked, item.after):
        raise ValidationError(CHANGED_SINCE)
    publishing.check(batch.by, verb.action, locked)
    if locked.state == Article.State.DELETED:
        deleting.restore(locked, by=batch.by)
    else:
        standing.put_back(locked, item.before)
        publishing.audit(locked, "undone", by=batch.by, detail=verb.done)
    item.state = BatchItem.State.UNDONE


def counts(batch: Batch) -> Counter[str]:
    """How many items are in each state."""
    return Counter(batch.items.values_list("state", flat=True))
