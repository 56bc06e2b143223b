"""What editors fill in: the filters of the list, an article, and the two versions to compare."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django import forms
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.text import slugify

from kb import languages, merging, permissions
from kb.models import Article, Audience, Collection
from kb.permissions import Reader
from kb.publishing import Content, taken
from kb.verbs import MAX_TAGS

INDEX_WORDS = [("fresh", "Ready"), ("indexing", "Catching up"), ("failed", "Failed"), ("unpublished", "Not published")]
COMPARISONS = [("", "Side by side"), ("inline", "Inline"), ("page", "As readers see it")]


if TYPE_CHECKING:
    AudienceChoice = forms.ModelChoiceField[Audience]  # generic for the type checker only
else:
    AudienceChoice = forms.ModelChoiceField


class AudienceField(AudienceChoice):
    """An audience by its name; one of groups also says which groups."""

    def label_from_instance(self, audience: Any) -> str:
        if audience.kind != Audience.Kind.GROUPS:
            return str(audience)
        groups = ", ".join(group.name for group in audience.groups.all()) or "nobody yet"
        return str(audience) if groups == str(audience) else f"{audience} ({groups})"


class TagsField(forms.CharField):
    """Tags between commas, as a list: each once, in the order typed."""

    def to_python(self, value: Any) -> Any:
        return list(dict.fromkeys(tag for tag in (" ".join(part.split()) for part in (value or "").split(",")) if tag))

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def validate(self, value: list[str]) -> None:
        super().validate(value)
        long = next((tag for tag in value if len(tag) > 40), None)
        if long:
            raise ValidationError(
                f"The tag “{long}” is too long: a tag has at most 40 characters. Put commas between tags."
            )
        if len(value) > MAX_TAGS:
            raise ValidationError(f"These are {len(value)} tags; an article may have {MAX_TAGS}. Remove some.")

    def run_validators(self, value: list[str]) -> None:
        for tag in value:
            super().run_validators(tag)


class FilterForm(forms.Form):
    """The list's filters. An unknown value filters nothing."""

    q = forms.CharField(required=False, max_length=200)
    collection = forms.ModelChoiceField(
        Collection.objects.none(), required=False, to_field_name="slug", empty_label="Every collection"
    )
    audience = AudienceField(Audience.objects.none(), required=False, empty_label="Every audience")
    tag = forms.CharField(required=False, max_length=40)
    state = forms.ChoiceField(
        required=False, choices=[choice for choice in Article.State.choices if choice[0] != Article.State.DELETED]
    )
    index = forms.ChoiceField(required=False, choices=INDEX_WORDS)

    def __init__(self, *args: Any, user: Reader, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["collection"].queryset = Collection.objects.writable_by(user)  # type: ignore[attr-defined]  # a model choice
        self.fields["audience"].queryset = Audience.objects.prefetch_related("groups")  # type: ignore[attr-defined]  # a model choice
        for name in self.fields:
            self.fields[name].widget.attrs.update(id=f"filter-{name}")

    def narrow(self, articles: Any) -> Any:
        """The articles that every filter but state and index lets through; those two are counted beside the list."""
        self.is_valid()
        wanted = self.cleaned_data
        for word in wanted.get("q", "").split():
            articles = articles.filter(Q(latest_version__title__icontains=word) | Q(tags__icontains=word))
        if wanted.get("collection"):
            articles = articles.filter(collection=wanted["collection"])
        if wanted.get("audience"):
            articles = articles.filter(audience=wanted["audience"])
        if wanted.get("tag"):
            articles = articles.filter(tags__contains=[wanted["tag"]])
        return articles


# Not filled in again by a browser that goes back: the page that comes is another form.
HIDDEN = forms.HiddenInput(attrs={"autocomplete": "off"})


class ArticleForm(forms.Form):
    """An article as its editor sees it: the text of a version, and where the article stands."""

    title = forms.CharField(
        max_length=200,
        widget=forms.Textarea(attrs={"rows": 1, "class": "title-field", "placeholder": "Title"}),
        error_messages={"required": "An article needs a title."},
    )
    source = forms.CharField(label="Markdown", required=False, strip=False, widget=forms.Textarea(attrs={"rows": 20}))
    summary = forms.CharField(
        required=False, max_length=300, help_text="Stands under the title in lists and search results."
    )
    language = forms.ChoiceField(initial="en")
    note = forms.CharField(
        label="Why this change?", required=False, max_length=200, help_text="Shown in the history beside your name."
    )
    collection = forms.ModelChoiceField(
        Collection.objects.none(), empty_label=None, error_messages={"required": "Choose a collection."}
    )
    slug = forms.CharField(label="Address", required=False, max_length=160)
    tags = TagsField(required=False, help_text="Separated by commas.")
    audience = AudienceField(Audience.objects.none(), required=False, widget=forms.RadioSelect)
    image = forms.FileField(label="Add an image", required=False)
    owner = forms.ModelChoiceField(
        get_user_model().objects.none(), required=False, empty_label="Nobody", help_text="Is reminded to read it again."
    )
    review_on = forms.DateField(
        label="Read it again by", required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    based_on = forms.IntegerField(widget=HIDDEN, required=False, min_value=0)
    key = forms.UUIDField(widget=HIDDEN, required=False)
    before = forms.CharField(widget=HIDDEN, required=False)

    VERSIONED = ("title", "source", "summary", "language")
    ARRANGED = ("collection", "slug", "tags", "audience", "owner", "review_on")

    def __init__(self, *args: Any, user: Reader, article: Article | None = None, **kwargs: Any) -> None:
        self.user, self.article = user, article
        shown = current(article) if article else {"owner": user.pk}
        kwargs["initial"] = {**shown, "key": uuid4(), **kwargs.get("initial", {})}
        super().__init__(*args, **{"auto_id": "%s", "label_suffix": "", **kwargs})
        self.fields["collection"].queryset = Collection.objects.writable_by(user)  # type: ignore[attr-defined]  # a model choice
        self.fields["language"].choices = language_choices(self.initial.get("language", "en"))  # type: ignore[attr-defined]  # a choice
        self.fields["owner"].queryset = owners(article)  # type: ignore[attr-defined]  # a model choice
        self.offer_audiences()
        self.initial.setdefault("before", json.dumps(self.shown()))
        if article is None:
            self.fields["slug"].help_text = "Empty: made from the title."
        for field in self.fields.values():
            if not isinstance(field.widget, forms.RadioSelect):
                field.widget.attrs.setdefault("class", "input")

    def offer_audiences(self) -> None:
        """Who may read is for publishers to choose; a new article otherwise starts with its collection's audience."""
        where = Collection.objects.writable_by(self.user, "publish")
        allowed = permissions.may(self.user, "publish", self.article) if self.article else where.exists()
        if not allowed:
            del self.fields["audience"]
            return
        field: Any = self.fields["audience"]
        field.queryset = Audience.objects.prefetch_related("groups")
        field.required = self.article is not None
        field.empty_label = None if self.article else "As its collection"
        if self.article is None:
            field.initial = ""

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"].strip()
        if not slug:
            return self.article.slug if self.article else ""
        if slugify(slug) != slug:
            raise ValidationError("An address has only small letters, digits and dashes.")
        others = Article.objects.exclude(pk=self.article.pk) if self.article else Article.objects.all()
        if others.filter(slug=slug).exists():
            raise ValidationError(taken(slug))
        return slug

    def clean_source(self) -> str:
        source: str = self.cleaned_data["source"]
        if lines := merging.undecided(source):
            where = ", ".join(map(str, lines[:6]))
            raise ValidationError(
                f"Two texts still stand side by side (line {where}): keep one and remove the lines with {merging.MARK}."
            )
        return source

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        collection = cleaned.get("collection")
        chosen = self.article is None and cleaned.get("audience")
        if chosen and collection and not permissions.may(self.user, "publish", collection):
            self.add_error(
                "audience", f"Only publishers of “{collection}” choose who may read. Leave it as its collection has it."
            )
        return cleaned

    def shown(self) -> dict[str, str]:
        """Where the article stands as the form shows it before anything is typed, in the browser's words."""
        fields = (
            (name, self.get_initial_for_field(self.fields[name], name)) for name in self.ARRANGED if name in self.fields
        )
        return {name: str(self.fields[name].prepare_value(value) or "") for name, value in fields}

    def arranged(self) -> dict[str, Any]:
        """What was chosen anew of where the article stands. What somebody else changed meanwhile is left as it is."""
        try:
            before = dict(json.loads(self.cleaned_data["before"] or "{}"))
        except (TypeError, ValueError):
            before = {}
        sent = [name for name in self.ARRANGED if name in self.fields and name in self.data]
        return {name: self.cleaned_data[name] for name in sent if self.data[name] != before.get(name)}

    def content(self) -> Content:
        return Content(**{name: self.cleaned_data[name] for name in self.VERSIONED}).clean()

    def blame(self, error: ValidationError) -> None:
        """Put an error of the publishing verbs beside the field it is about."""
        known = hasattr(error, "error_dict") and set(error.error_dict) <= set(self.fields)
        self.add_error(None, error if known else error.messages)


class PairForm(forms.Form):
    """Two versions to lay side by side."""

    old = forms.IntegerField(min_value=1)
    new = forms.IntegerField(min_value=1)
    view = forms.ChoiceField(choices=COMPARISONS, required=False)


class VersionForm(forms.Form):
    """A version named in an address; none means the usual one."""

    version = forms.IntegerField(min_value=1, required=False)


def current(article: Article) -> dict[str, Any]:
    """What the form shows of an article before anything is typed."""
    latest = article.latest_version
    content = Content.of(latest) if latest else Content(article.slug, "")
    return {
        "title": content.title,
        "source": content.source,
        "summary": content.summary,
        "language": content.language,
        "collection": article.collection_id,
        "slug": article.slug,
        "tags": article.tags,
        "audience": article.audience_id,
        "owner": article.owner_id,
        "review_on": article.review_on,
        "based_on": latest.number if latest else 0,
    }


def owners(article: Article | None) -> Any:
    """Who can look after an article: whoever may write in its collection, and who looks after it now."""
    able = permissions.people("write", article.collection if article else None)
    kept = Q(pk=article.owner_id) if article else Q(pk__in=[])
    return get_user_model().objects.filter(able | kept).order_by("username")


def language_choices(used: str) -> list[tuple[str, str]]:
    """The languages we know words of, by name, and the one the article is in."""
    names = {used: used, **languages.NAMES}
    return sorted(names.items(), key=lambda item: item[1])
