"""Questions and their answers: one row an answer, written while it streams, with the sources it rests on."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.urls import reverse

from kb.models.articles import Article, ArticleVersion
from kb.models.collections import Audience
from kb.models.passages import Chunk, Passage
from kb.permissions import Reader, audience_ids

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager


class AnswerQuerySet(models.QuerySet["Answer"]):
    def visible_to(self, user: Reader) -> Self:
        """Answers every one of whose sources this reader may read: its article now, and what it said then.

        A passage that the article does not hold any more was for the audience it had when it was cited: the article may
        have been cleared of it before more people were let in.
        """
        seen = models.Exists(Article.objects.visible_to(user).filter(pk=models.OuterRef("version__article")))
        said = standing() | models.Q(audience__isnull=False, audience__in=audience_ids(user))
        hidden = AnswerSource.objects.filter(~(seen & said), answer=models.OuterRef("pk"))
        return self.filter(~models.Exists(hidden))


class Answer(models.Model):
    """A question, and the answer as far as it is written. `text` is Markdown with citation marks ⟦n⟧.

    A position in the stream is an offset in `text`; whoever holds the lease writes, everybody else reads.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        ANSWERED = "answered"
        REFUSED = "refused"
        UNCLEAR = "unclear"
        STOPPED = "stopped"
        INTERRUPTED = "interrupted"
        FAILED = "failed"

    UNFINISHED = (State.WAITING, State.RUNNING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    question = models.TextField()
    asker = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    session_hash = models.CharField(max_length=64, blank=True, help_text="Hash of the session that asked.")
    visitor = models.CharField(max_length=64, blank=True, help_text="Keyed hash of the address that asked.")
    previous = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="next")
    anew = models.BooleanField(default=False, db_default=False, help_text="Asked again: what is kept is not wanted.")
    searched = models.TextField(
        blank=True, db_default="", help_text="What was searched for, where that is not the question itself."
    )
    told = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="Earlier turns used for it: it is for those who may read these, too."
    )
    state = models.CharField(max_length=12, choices=State, default=State.WAITING)
    text = models.TextField(blank=True)
    message = models.TextField(blank=True, help_text="What to tell the reader: why it failed, or a quiet remark.")
    sentences = models.JSONField(default=list, help_text="[{text, citations, state, reason}]")
    nearest = models.JSONField(default=list, help_text="Ids of the nearest articles, when refused or unclear.")
    generator = models.CharField(max_length=80, blank=True)
    usage = models.JSONField(default=dict)
    timings = models.JSONField(default=dict, help_text="Milliseconds: sources, first_token, total.")
    runner = models.UUIDField(null=True, help_text="The run that holds the lease.")
    beat = models.DateTimeField(null=True, help_text="When the run last moved, by the database's clock.")
    followed = models.DateTimeField(null=True, help_text="When another process last followed it.")
    replayed = models.DateTimeField(null=True, help_text="When it was written, if for an earlier question.")
    stop_requested = models.BooleanField(default=False)
    created = models.DateTimeField(db_default=Now())
    finished = models.DateTimeField(null=True)

    objects = AnswerQuerySet.as_manager()
    sources: RelatedManager[AnswerSource]

    class Meta:
        ordering = ["-created"]
        indexes = [
            models.Index(fields=["session_hash", "created"], name="answers_of_session"),
            models.Index(fields=["created"], name="answers_by_age"),
            models.Index(fields=["visitor", "created"], name="answers_of_visitor"),
        ]

    def __str__(self) -> str:
        return self.question[:80]

    def get_absolute_url(self) -> str:
        return reverse("answer", args=[self.pk])

    @property
    def is_finished(self) -> bool:
        return self.state not in self.UNFINISHED


class AnswerSource(models.Model):
    """A numbered source of an answer: the passage as it stood, in the version it stood in."""

    answer = models.ForeignKey(Answer, models.CASCADE, related_name="sources")
    number = models.PositiveIntegerField()
    version = models.ForeignKey(ArticleVersion, models.PROTECT, related_name="+")
    passage = models.ForeignKey(Passage, models.PROTECT, related_name="+")
    audience = models.ForeignKey(
        Audience, models.SET_NULL, null=True, related_name="+", help_text="The article's when it was cited."
    )
    heading_path = ArrayField(models.TextField(), default=list)
    anchor = models.CharField(max_length=200, blank=True)
    lines = ArrayField(models.PositiveIntegerField(), default=list)
    score = models.FloatField(default=0.0)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["answer", "number"], name="one_source_per_number")]

    def __str__(self) -> str:
        return f"source {self.number} of {self.answer_id}"


def standing() -> models.Exists:
    """Of a source: whether its passage still stands in the published version of its article."""
    published = models.OuterRef("version__article__published_version")
    return models.Exists(Chunk.objects.filter(passage=models.OuterRef("passage"), version=published))


class Feedback(models.Model):
    """What a reader thought of an answer, or of an article."""

    REASONS = {
        "incomplete": "Something is missing",
        "wrong": "A statement is wrong",
        "sources": "The sources do not say this",
        "other": "It answers another question",
    }

    answer = models.ForeignKey(Answer, models.CASCADE, null=True, blank=True, related_name="feedback")
    version = models.ForeignKey(ArticleVersion, models.CASCADE, null=True, blank=True, related_name="feedback")
    session_hash = models.CharField(max_length=64)
    helped = models.BooleanField()
    reasons = ArrayField(models.CharField(max_length=12, choices=list(REASONS.items())), default=list, blank=True)
    comment = models.TextField(blank=True)
    created = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "feedback"
        constraints = [
            models.UniqueConstraint(fields=["answer", "session_hash"], name="one_feedback_per_answer"),
            models.UniqueConstraint(fields=["version", "session_hash"], name="one_feedback_per_version"),
        ]

    def __str__(self) -> str:
        return "helped" if self.helped else "did not help"
