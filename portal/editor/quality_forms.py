"""What editors fill in about search quality: a case with the articles that answer it, the name of a set, an import."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models.functions import Coalesce

from kb.evaluation import exchanging
from kb.models import Article, Audience, EvaluationCase, EvaluationSet
from kb.permissions import Reader

GRADES = [(1.0, "Right"), (2.0, "Better"), (3.0, "Best")]
ROWS = 3  # articles of a case that the form has room for, or one more than it has
OFFERED = 1000  # articles offered while typing
SHOWN_TITLE = Coalesce("published_version__title", "latest_version__title")  # Article.shown_title, for queries
DEFAULT_SET = "Help center"


class CaseForm(forms.Form):
    """A question, whose eyes, and the articles that should come up."""

    question = forms.CharField(max_length=2000, widget=forms.Textarea(attrs={"rows": 2}))
    set = forms.ModelChoiceField(EvaluationSet.objects.all(), required=False, empty_label=f"{DEFAULT_SET} (new)")
    audience = forms.ModelChoiceField(
        Audience.objects.none(), label="Asked as", required=False, empty_label="Not signed in"
    )
    note = forms.CharField(required=False, max_length=300)
    origin = forms.ChoiceField(
        choices=EvaluationCase.Origin.choices, required=False, widget=forms.HiddenInput, initial="written"
    )

    def __init__(self, *args: Any, user: Reader, case: EvaluationCase | None = None, **kwargs: Any) -> None:
        self.user, self.case = user, case
        held = list(case.rights.select_related("article")) if case else []
        rights = [(right.article.slug, right.grade) for right in held if right.article]
        initial = {**self.current(case), **(kwargs.get("initial") or {})}
        super().__init__(*args, **{**kwargs, "initial": initial, "label_suffix": ""})
        self.fields["audience"].queryset = Audience.objects.borrowable_by(user)  # type: ignore[attr-defined]  # a model choice
        if EvaluationSet.objects.exists():
            self.fields["set"].empty_label = None  # type: ignore[attr-defined]  # a model choice
            self.fields["set"].initial = EvaluationSet.objects.first()
        self.known = Article.objects.known_to(user)
        self.places = [str(number) for number in range(1, max(ROWS, len(rights) + 1) + 1)]
        for place, (slug, grade) in zip(self.places, [*rights, *[("", 1.0)] * len(self.places)], strict=False):
            self.add_place(place, slug, grade)

    def current(self, case: EvaluationCase | None) -> dict[str, Any]:
        if case is None:
            return {}
        names = ("question", "note", "origin")
        return {**{name: getattr(case, name) for name in names}, "set": case.set_id, "audience": case.audience_id}

    def add_place(self, place: str, slug: str, grade: float) -> None:
        grades = GRADES if grade in dict(GRADES) else [*GRADES, (grade, f"{grade:g}")]
        first = place == self.places[0]
        self.fields[f"article_{place}"] = forms.CharField(
            label=f"Article {place}",
            required=False,
            initial=slug,
            max_length=300,
            help_text="Its address, or its title." if first else "",
            widget=forms.TextInput(attrs={"list": "known-articles", "autocomplete": "off"}),
        )
        self.fields[f"grade_{place}"] = forms.TypedChoiceField(
            label=f"Grade of article {place}",
            required=False,
            coerce=float,
            initial=grade,
            choices=grades,
            help_text="When several articles answer it, the better ones should stand higher." if first else "",
        )

    def offered(self) -> list[tuple[str, str]]:
        """(address, title) of the articles to choose from while typing."""
        chosen = self.known.annotate(name=SHOWN_TITLE).order_by("name")
        return list(chosen.values_list("slug", "name")[:OFFERED])

    def clean_question(self) -> str:
        question = " ".join(str(self.cleaned_data["question"]).split())
        if len(question) > settings.QUESTION_LIMIT:
            raise ValidationError(f"At most {settings.QUESTION_LIMIT:,} characters can be asked.")
        return question

    def clean(self) -> dict[str, Any]:
        self.rights: dict[int, float] = {}
        for place in self.places:
            typed = (self.cleaned_data.get(f"article_{place}") or "").strip()
            if typed:
                article = self.article_of(typed)
                if article is None:
                    self.add_error(f"article_{place}", f"You have no article with the address or title “{typed}”.")
                else:
                    self.rights[article.pk] = self.cleaned_data.get(f"grade_{place}") or 1.0
        if not self.rights and not self.errors:
            self.add_error("article_1", "Name the article that should come up.")
        return self.cleaned_data

    def article_of(self, typed: str) -> Article | None:
        """By address, by the end of a pasted link, or by the exact title."""
        slug = unquote(urlsplit(typed).path).rstrip("/").rsplit("/", 1)[-1] if "/" in typed else typed
        return self.known.filter(slug=slug).first() or self.titled(typed)

    def titled(self, typed: str) -> Article | None:
        return self.known.annotate(name=SHOWN_TITLE).filter(name__iexact=typed).first()

    def store(self) -> EvaluationCase:
        """Write the case, into a first set of its own when there is none."""
        chosen = self.cleaned_data["set"] or EvaluationSet.objects.first()
        if chosen is None:
            chosen, _ = EvaluationSet.objects.get_or_create(name=DEFAULT_SET, defaults={"by_id": self.user.pk})
        case = self.case or EvaluationCase(by_id=self.user.pk, origin=self.cleaned_data["origin"] or "written")
        case.set, case.question = chosen, self.cleaned_data["question"]
        case.audience, case.note = self.cleaned_data["audience"], self.cleaned_data["note"]
        return exchanging.save(case, self.rights)


class SetForm(forms.Form):
    """The name of a new set."""

    name = forms.CharField(max_length=80)

    def clean_name(self) -> str:
        name = " ".join(str(self.cleaned_data["name"]).split())
        if EvaluationSet.objects.filter(name__iexact=name).exists():
            raise ValidationError(f"There is a set called “{name}” already.")
        return name


class FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files at once, as a list."""

    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> Any:
        return [super(FilesField, self).clean(one, initial) for one in (data or [None])]


class ImportForm(forms.Form):
    """A zip, or queries.jsonl and qrels.tsv."""

    upload = FilesField(
        label="A zip, or queries.jsonl and qrels.tsv",
        help_text="Articles are named by their address in qrels.tsv. A question that is in the set already is left.",
    )


class PairForm(forms.Form):
    """Two runs to lay side by side."""

    old = forms.IntegerField(min_value=1)
    new = forms.IntegerField(min_value=1)
