"""What lies on an editor's desk: text typed and not saved, and who has which article open just now."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from kb.models.articles import Article
from kb.permissions import Reader


class AutosaveQuerySet(models.QuerySet["Autosave"]):
    def left_by(self, user: Reader, article: Article | None) -> Self:
        """What this person typed into the form of this article, or of a new one, and has not saved; newest first."""
        return self.filter(by=user.pk, article=article)


class Autosave(models.Model):
    """What one open form holds, kept every few seconds. Only whoever typed it ever sees it; it is no version."""

    key = models.UUIDField(help_text="Of the open form: two tabs keep two texts.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    article = models.ForeignKey(Article, models.CASCADE, null=True, related_name="+", help_text="None: a new one.")
    title = models.CharField(max_length=300, blank=True)
    source = models.TextField(blank=True)
    fields = models.JSONField(default=dict, help_text="Everything else in the form, as typed.")
    begun = models.DateTimeField(auto_now_add=True)
    at = models.DateTimeField(db_default=Now())

    objects = AutosaveQuerySet.as_manager()

    class Meta:
        ordering = ["-at"]
        constraints = [models.UniqueConstraint("by", "key", name="one_autosave_a_form")]

    def __str__(self) -> str:
        return f"{self.title or 'untitled'}, typed by {self.by}"


class Presence(models.Model):
    """One open form of an article. Whoever leaves stops saying so, and the row is past."""

    key = models.UUIDField(unique=True, help_text="Of the open form.")
    article = models.ForeignKey(Article, models.CASCADE, related_name="+")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    since = models.DateTimeField(auto_now_add=True)
    seen = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["since"]
        indexes = [models.Index(fields=["article", "seen"], name="presence_at_article")]

    def __str__(self) -> str:
        return f"{self.by} at {self.article_id}"
