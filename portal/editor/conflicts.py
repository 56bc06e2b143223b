"""Two people saved one article: both texts on one page, what differs, and both changes in one text to go on with."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse

from kb import diffing, merging, permissions
from kb.models import Article, ArticleVersion
from kb.publishing import Content
from portal.editor.facts import facts
from portal.editor.forms import ArticleForm
from portal.htmx import Request, render


def page(request: Request, form: ArticleForm, theirs: ArticleVersion) -> HttpResponse:
    """Theirs beside yours, and both in one if they began from one text. Saving from here is based on theirs."""
    yours, article = form.content(), theirs.article
    context = {
        "form": form,
        "article": article,
        "theirs": theirs,
        "yours": yours,
        "mark": merging.MARK,
        "title_rows": diffing.rows(theirs.title, yours.title) if theirs.title != yours.title else [],
        "rows": diffing.rows(theirs.source, yours.source),
        "may_publish": permissions.may(request.user, "publish", article),
        **together(article.versions.filter(number=form.cleaned_data["based_on"] or 0).first(), theirs, yours),
        **facts(request, article),
    }
    return render(request, "editor/conflict.html", context, status=409)


def together(base: ArticleVersion | None, theirs: ArticleVersion, yours: Content) -> dict[str, Any]:
    """Both changes in one. Of a title, a summary and a language yours counts, unless you left it as it was."""
    if base is None:
        return {"text": yours.source, "title": yours.title, "summary": yours.summary, "language": yours.language}
    name = f"{theirs.author or 'The system'}, in version {theirs.number}"
    merged = merging.merge(base.source, theirs.source, yours.source, their_name=name)
    kept = {
        field: getattr(theirs if getattr(yours, field) == getattr(base, field) else yours, field)
        for field in ("title", "summary", "language")
    }
    return {"merged": merged, "text": merged.text, **kept}


def only_mine(request: Request, article: Article) -> ArticleForm:
    """The form with one's own text, based on the version that was in its way."""
    sent = request.POST.copy()
    sent["source"], sent["title"] = sent.get("mine", ""), sent.get("my_title", "")
    return ArticleForm(sent, user=request.user, article=article)
