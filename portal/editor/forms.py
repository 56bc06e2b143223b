"""What editors fill in: the filters of the list, an article, and the two versions to compare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.text import slugify

from kb import languages, permissions
from kb.models import Article, Audience, Collection
from kb.permissions import Reader
from kb.publishing import Content

INDEX_WORDS = [("fresh", "Ready"), ("indexing", "Catching up"), ("failed", "Failed"), ("unpublished", "Not published")]
MAX_TAGS = 20


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
    state = forms.ChoiceField(required=False, choices=Article.State.choices)
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
    based_on = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=0)

    VERSIONED = ("title", "source", "summary", "language")

    def __init__(self, *args: Any, user: Reader, article: Article | None = None, **kwargs: Any) -> None:
        self.user, self.article = user, article
        kwargs.setdefault("initial", {}).update(current(article) if article else {})
        super().__init__(*args, **{"auto_id": "%s", "label_suffix": "", **kwargs})
        self.fields["collection"].queryset = Collection.objects.writable_by(user)  # type: ignore[attr-defined]  # a model choice
        self.fields["language"].choices = language_choices(self.initial.get("language", "en"))  # type: ignore[attr-defined]  # a choice
        self.offer_audiences()
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
            raise ValidationError(f"Another article already has the address “{slug}”.")
        return slug

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        collection = cleaned.get("collection")
        chosen = self.article is None and cleaned.get("audience")
        if chosen and collection and not permissions.may(self.user, "publish", collection):
            self.add_error(
                "audience", f"Only publishers of “{collection}” choose who may read. Leave it as its collection has it."
            )
        return cleaned

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
        "based_on": latest.number if latest else 0,
    }


def language_choices(used: str) -> list[tuple[str, str]]:
    """The languages we know words of, by name, and the one the article is in."""
    names = {used: used, **languages.NAMES}
    return sorted(names.items(), key=lambda item: item[1])
