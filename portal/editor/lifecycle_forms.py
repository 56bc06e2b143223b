"""What editors fill in about an article's life: when it is published, what is said of it, and what becomes of many."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.db.models import Q

from kb.models import Article, Audience, Collection
from kb.permissions import ALLOWED, Reader
from kb.reviewing import LONGEST
from kb.verbs import Verb
from portal.editor.forms import AudienceField, TagsField

MINUTE = "%Y-%m-%dT%H:%M"


class MinuteField(forms.DateTimeField):
    """A day and a minute, in the time zone of the site."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local", "class": "input"}, format=MINUTE)
    default_error_messages = {"invalid": "Enter a day and a time, such as 2026-12-01 09:00."}


class ScheduleForm(forms.Form):
    """When a version is published, and when the article is hidden again."""

    version = forms.TypedChoiceField(
        label="Version", coerce=int, required=False, widget=forms.Select(attrs={"class": "input"})
    )
    publish_at = MinuteField(label="Publish at", required=False)
    unpublish_at = MinuteField(label="Unpublish at", required=False, help_text="Empty: it stays with the readers.")

    def __init__(self, *args: Any, article: Article, **kwargs: Any) -> None:
        kwargs["initial"] = {
            "publish_at": article.publish_at,
            "unpublish_at": article.unpublish_at,
            "version": (article.scheduled_version or article.latest_version or Article()).pk,
        }
        super().__init__(*args, **{"auto_id": "%s", "label_suffix": "", **kwargs})
        self.versions = {
            version.pk: version
            for version in (article.scheduled_version, article.latest_version)
            if version is not None and version.pk != article.wanted_version_id
        }
        chosen: Any = self.fields["version"]
        chosen.choices = [(pk, f"Version {one.number}: {one.title}") for pk, one in self.versions.items()]
        if not self.versions:
            del self.fields["version"], self.fields["publish_at"]


class RemarkForm(forms.Form):
    """A line of a review's thread."""

    text = forms.CharField(
        label="Comment",
        required=False,
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 4, "class": "input"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "%s", "label_suffix": "", **kwargs})


class TargetForm(forms.Form):
    """What a change of many articles needs to know: which collection, which tags, which audience, whose."""

    collection = forms.ModelChoiceField(Collection.objects.none(), label="Move to", empty_label="Choose a collection")
    tags = TagsField(label="Tags", help_text="Separated by commas.")
    audience = AudienceField(Audience.objects.none(), label="Who may read", empty_label="Choose an audience")
    owner = forms.ModelChoiceField(get_user_model().objects.none(), label="Owner", empty_label="Choose a person")

    def __init__(self, *args: Any, verb: Verb, user: Reader, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "%s", "label_suffix": "", **kwargs})
        for name in set(self.fields) - {verb.needs}:
            del self.fields[name]
        offered: dict[str, Any] = {
            "collection": Collection.objects.writable_by(user),
            "audience": Audience.objects.prefetch_related("groups"),
            "owner": writers(user),
        }
        for name, field in self.fields.items():
            field.widget.attrs["class"] = "input"
            if name in offered:
                field.queryset = offered[name]  # type: ignore[attr-defined]  # a model choice

    def value(self) -> Any:
        """As a batch keeps it: an id, or a list of tags; None where nothing is needed."""
        chosen = next(iter(self.cleaned_data.values()), None)
        return getattr(chosen, "pk", chosen)


def writers(user: Reader) -> Any:
    """The people who write in the collections in which this person does, and those who write everywhere."""
    where = Q(memberships__collection__in=Collection.objects.writable_by(user)) | Q(memberships__collection=None)
    people = get_user_model().objects.filter(is_active=True)
    return people.filter(where, memberships__role__in=ALLOWED["write"]).distinct().order_by("username")
