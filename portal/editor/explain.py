"""Why a search finds what it finds: for a question, and with the eyes of an audience."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from kb import permissions
from kb.errors import ProviderError
from kb.explaining import explain as explain_search
from kb.models import Article, Audience
from kb.permissions import Reader, ReaderOf
from portal.editor.access import for_editors
from portal.htmx import Request, render

SHOWN = 30


class ExplainForm(forms.Form):
    """A question, whose eyes, and perhaps an article that was expected."""

    q = forms.CharField(label="Question", max_length=2000)
    audience = forms.ModelChoiceField(
        Audience.objects.none(), label="Reader", required=False, empty_label="Not signed in"
    )
    article = forms.SlugField(
        label="Article that was expected", required=False, help_text="Its address, if one is missing."
    )

    def __init__(self, *args: object, user: Reader, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # a form's own arguments
        self.fields["audience"].queryset = Audience.objects.borrowable_by(user)  # type: ignore[attr-defined]  # a ModelChoiceField
        self.editable = Article.objects.editable_by(user)

    def clean_article(self) -> Article | None:
        slug = self.cleaned_data["article"]
        found = self.editable.filter(slug=slug).first() if slug else None
        if slug and found is None:
            raise forms.ValidationError("There is no such article in your collections.")
        return found

    def reader(self) -> ReaderOf:
        return permissions.reader_of(self.cleaned_data["audience"])


@for_editors
@require_safe
def explain(request: Request) -> HttpResponse:
    form = ExplainForm(request.GET if "q" in request.GET else None, user=request.user)
    context: dict[str, Any] = {"form": form}
    if form.is_bound and form.is_valid():
        asked = form.cleaned_data
        try:
            made = explain_search(asked["q"], user=form.reader(), article=asked["article"])
            context |= {"explanation": made, "rows": made.rows[:SHOWN]}
        except ProviderError as error:
            form.add_error(None, f"Searching does not work at the moment. {error}")
    return render(request, "editor/explain.html", context)
