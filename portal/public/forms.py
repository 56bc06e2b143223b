"""What readers send: a search, and whether an article helped."""

from django import forms
from django.conf import settings


class SearchForm(forms.Form):
    """A few words to look for, perhaps in one collection."""

    q = forms.CharField(required=False)
    within = forms.CharField(required=False, max_length=120)

    def clean_q(self) -> str:
        words: str = self.cleaned_data["q"]
        limit = settings.QUESTION_LIMIT
        if len(words) > limit:
            raise forms.ValidationError(
                f"That is too long to search for: {len(words):,} characters, where {limit:,} are possible. "
                "Take the few words that matter most."
            )
        return words


class FeedbackForm(forms.Form):
    """Whether the article helped, and if not, what is missing."""

    helped = forms.TypedChoiceField(choices=[("yes", "Yes"), ("no", "No")], coerce=lambda value: value == "yes")
    comment = forms.CharField(required=False, max_length=2000)
