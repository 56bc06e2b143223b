"""Questions with known right articles, kept by editors; what was measured on them; and questions put aside."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone

from kb import permissions
from kb.models.articles import Article
from kb.models.collections import Audience
from kb.permissions import Reader

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager

SILENT_AFTER = datetime.timedelta(minutes=2)  # a run that has not moved for so long is not running any more


class EvaluationSet(models.Model):
    """Evaluation cases that are measured together."""

    name = models.CharField(max_length=80, unique=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    cases: RelatedManager[EvaluationCase]
    runs: RelatedManager[EvaluationRun]

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("editor_quality_set", args=[self.pk])


class EvaluationCaseQuerySet(models.QuerySet["EvaluationCase"]):
    def known_to(self, user: Reader) -> Self:
        """Cases of which this person may see every right article, asked with eyes that this person may borrow.

        One whose articles were all deleted is known to who wrote it and to admins.
        """
        if permissions.is_admin(user):
            return self
        rights = RightArticle.objects.filter(case=OuterRef("pk"), article__isnull=False)
        hidden = rights.exclude(article__in=Article.objects.known_to(user))
        eyes = Q(audience=None) | Q(audience__in=Audience.objects.borrowable_by(user))
        return self.filter(eyes, ~Exists(hidden)).filter(Exists(rights) | Q(by=user.pk))


class EvaluationCase(models.Model):
    """A question, whose eyes it is asked with, and the articles that answer it."""

    class Origin(models.TextChoices):
        WRITTEN = "written", "Written by hand"
        SEARCH = "search", "From a search"
        QUESTION = "question", "From an unanswered question"
        IMPORT = "import", "Imported"

    set = models.ForeignKey(EvaluationSet, models.CASCADE, related_name="cases")
    question = models.TextField()
    audience = models.ForeignKey(
        Audience, models.PROTECT, null=True, blank=True, related_name="+", help_text="None: nobody is signed in."
    )
    note = models.CharField(max_length=300, blank=True)
    origin = models.CharField(max_length=10, choices=Origin, default=Origin.WRITTEN)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    objects = EvaluationCaseQuerySet.as_manager()
    rights: RelatedManager[RightArticle]

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.question[:80]


class RightArticle(models.Model):
    """An article that answers a case. A deleted one leaves its row, so that the case can say so."""

    case = models.ForeignKey(EvaluationCase, models.CASCADE, related_name="rights")
    article = models.ForeignKey(Article, models.SET_NULL, null=True, related_name="+")
    grade = models.FloatField(default=1.0, validators=[MinValueValidator(0.01)])

    class Meta:
        ordering = ["-grade", "pk"]
        constraints = [models.UniqueConstraint(fields=["case", "article"], name="one_grade_per_article")]

    def __str__(self) -> str:
        return f"{self.article_id} answers {self.case_id}"


class EvaluationRun(models.Model):
    """One execution of a set on the live index.

    `figures` is what `evaluate retrieval --json` prints. `measured`: case id → {"ranks": {stage: rank or null},
    "scores": {stage: {metric: 0 to 1}}}. `changed`: [case id, rank before, rank now] after the rerank.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    set = models.ForeignKey(EvaluationSet, models.CASCADE, related_name="runs")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    asked = models.PositiveIntegerField(default=0)
    cases = models.PositiveIntegerField(default=0)
    beat = models.DateTimeField(db_default=Now())
    created = models.DateTimeField(db_default=Now())
    finished = models.DateTimeField(null=True)
    embedder = models.CharField(max_length=120, blank=True)
    settings = models.JSONField(default=dict, help_text="The settings of retrieval that were in force.")
    figures = models.JSONField(default=dict)
    measured = models.JSONField(default=dict)
    changed = models.JSONField(default=list)
    left_out = models.JSONField(default=list, help_text="[{case, question, reason}]: cases that could not be asked.")
    message = models.TextField(blank=True, help_text="Why it failed.")

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"run {self.pk} of {self.set_id}, {self.state}"

    @property
    def is_alive(self) -> bool:
        """Whether it still waits or asks; one that was silent for long has died."""
        unfinished = self.state in (self.State.WAITING, self.State.RUNNING)
        return unfinished and timezone.now() - self.beat < SILENT_AFTER

    @property
    def is_done(self) -> bool:
        return self.state == self.State.DONE

    def rank(self, case_id: Any, stage: str = "reranked") -> int | None:
        found: int | None = self.measured.get(str(case_id), {}).get("ranks", {}).get(stage)
        return found


class DismissedQuestion(models.Model):
    """A question that editors have put aside, by its hash; asked again later, it counts anew."""

    key = models.CharField(max_length=64, unique=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.key[:8]
