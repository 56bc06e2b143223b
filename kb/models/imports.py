"""Imports that were handed in on a page: the archive, each of its files, and what became of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Count, Q
from django.db.models.functions import Now
from django.urls import reverse

from kb import permissions
from kb.models.articles import Article
from kb.models.collections import Collection
from kb.permissions import Reader

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager


class ImportRunQuerySet(models.QuerySet["ImportRun"]):
    def of(self, user: Reader) -> Self:
        """A person's own imports: a file may hold what nobody else is to read. Admins see all."""
        return self if permissions.is_admin(user) else self.filter(by=user.pk)

    def unfinished(self) -> Self:
        return self.filter(state__in=ImportRun.AT_WORK)


class ImportRun(models.Model):
    """One import: read and planned, looked at by a person, then written.

    A worker holds it by lease and token, as with the outbox; one that was killed is followed by another, which goes on
    with the next file.
    """

    class State(models.TextChoices):
        READING = "reading", "Reading the files"
        PLANNING = "planning", "Comparing them with the articles"
        PLANNED = "planned", "Ready to import"
        IMPORTING = "importing", "Importing"
        DONE = "done", "Imported"
        CANCELLED = "cancelled", "Cancelled"
        FAILED = "failed", "Failed"

    AT_WORK = (State.READING, State.PLANNING, State.IMPORTING)

    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    name = models.CharField(max_length=200, help_text="Of what was uploaded.")
    collection = models.ForeignKey(
        Collection, models.CASCADE, null=True, blank=True, related_name="+", help_text="None: each file says its own."
    )
    publish = models.BooleanField(default=False)
    create = models.BooleanField(default=False, help_text="Make collections and audiences that the files name.")
    state = models.CharField(max_length=10, choices=State, default=State.READING)
    message = models.TextField(blank=True, help_text="Why it failed.")
    notes = models.JSONField(default=list, help_text="About the import as a whole, a sentence each.")
    token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    created = models.DateTimeField(db_default=Now())
    updated = models.DateTimeField(db_default=Now())

    objects = ImportRunQuerySet.as_manager()
    files: RelatedManager[ImportFile]

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("editor_import_run", args=[self.pk])

    @property
    def is_at_work(self) -> bool:
        return self.state in self.AT_WORK

    def counts(self) -> dict[str, int]:
        """How many files there are, how many are through with the stage at hand, and what became of them."""
        stage = Q(state__in=("read", "failed")) if self.state == self.State.READING else Q(state__in=("done", "failed"))
        outcomes = {
            name: Count("pk", filter=~Q(state=ImportFile.State.FAILED) & Q(outcome=name))
            for name in ("created", "changed", "unchanged")
        }
        failed = Count("pk", filter=Q(state=ImportFile.State.FAILED))
        return self.files.aggregate(total=Count("pk"), through=Count("pk", filter=stage), failed=failed, **outcomes)


class ImportArchive(models.Model):
    """The uploaded zip, in a table of its own so that no list loads it. It goes when the import is over."""

    run = models.OneToOneField(ImportRun, models.CASCADE, primary_key=True, related_name="archive")
    data = models.BinaryField()

    def __str__(self) -> str:
        return f"archive of {self.run_id}"


class ImportFile(models.Model):
    """One file of an import. `parsed`: what was read; `source`: its text with links and images as they will be."""

    class State(models.TextChoices):
        WAITING = "waiting"
        READ = "read"
        DONE = "done"
        FAILED = "failed"

    run = models.ForeignKey(ImportRun, models.CASCADE, related_name="files")
    path = models.CharField(max_length=300)
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    outcome = models.CharField(max_length=10, blank=True, help_text="created, changed or unchanged.")
    reason = models.TextField(blank=True, help_text="Why it failed.")
    notes = models.JSONField(default=list, help_text="What could not be kept, a sentence each.")
    changes = models.JSONField(default=list, help_text="What changes of an article that is there.")
    parsed = models.JSONField(default=dict)
    title = models.CharField(max_length=200, blank=True)
    source = models.TextField(blank=True)
    based_on = models.PositiveIntegerField(default=0, help_text="The version it was compared with.")
    article = models.ForeignKey(Article, models.SET_NULL, null=True, related_name="+")
    attempts = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["path"]
        constraints = [models.UniqueConstraint(fields=["run", "path"], name="one_file_a_path")]

    def __str__(self) -> str:
        return self.path

    def get_absolute_url(self) -> str:
        return reverse("editor_import_file", args=[self.run_id, self.pk])

    def fail(self, reason: str) -> None:
        self.state, self.reason, self.outcome = self.State.FAILED, reason, ""
        self.save(update_fields=["state", "reason", "outcome"])

    @property
    def content(self) -> dict[str, Any]:
        return dict(self.parsed.get("content", {}))
