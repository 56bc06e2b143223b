"""What readers send: a search, and whether an article helped."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from kb import narrowing
from kb.filters import Within
from kb.narrowing import Choice
from kb.permissions import Reader

NO_TEXT = "What came holds a NUL character, so it is not text: type it anew."


class SearchForm(forms.Form):
    """A few words to look for, and what to narrow the search to: all of it stands in the address."""

    q = forms.CharField(required=False, error_messages={"null_characters_not_allowed": NO_TEXT})
    collection = forms.CharField(required=False)
    tag = forms.CharField(required=False)
    language = forms.CharField(required=False)
    since = forms.CharField(required=False)
    article = forms.CharField(required=False)

    def __init__(self, *args: Any, user: Reader, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.within = Within()

    def clean_q(self) -> str:
        words: str = self.cleaned_data["q"]
        limit = settings.QUESTION_LIMIT
        if len(words) > limit:
            raise forms.ValidationError(
                f"That is too long to search for: {len(words):,} characters, where {limit:,} are possible. "
                "Take the few words that matter most."
            )
        return words

    def selects(self) -> list[tuple[str, str, str, tuple[Choice, ...]]]:
        """The fields to choose in: name, label, value, what this reader may choose. One option is no choice."""
        offered = narrowing.choices(self.user)
        lists = (
            ("collection", "Collection", offered.collections),
            ("tag", "Tag", offered.tags),
            ("language", "Language", offered.languages),
        )
        return [
            (name, label, self.data.get(name, ""), self.with_chosen(name, options))
            for name, label, options in lists
            if len(options) > 1
        ]

    def with_chosen(self, name: str, options: tuple[Choice, ...]) -> tuple[Choice, ...]:
        """The options, and what the address names beside them."""
        value = self.data.get(name, "")
        return options if not value or value in {one.value for one in options} else (*options, Choice(value, value, 0))

    def clean(self) -> None:
        try:
            self.within = narrowing.narrowed(self.cleaned_data, user=self.user)
        except ValidationError as error:
            self.add_error(None, error)


class FeedbackForm(forms.Form):
    """Whether the article helped, and if not, what is missing."""

    helped = forms.TypedChoiceField(choices=[("yes", "Yes"), ("no", "No")], coerce=lambda value: value == "yes")
    comment = forms.CharField(required=False, max_length=2000)
