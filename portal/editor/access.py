"""Who gets into the editor's pages, and which articles they find there."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from kb import permissions
from kb.models import Article, Collection
from portal.htmx import Request
from portal.public import faults

Arguments = ParamSpec("Arguments")
View = Callable[Concatenate[Request, Arguments], HttpResponse]

NO_ROLE = "These pages are for people who write articles. You have no role in any collection yet: ask an admin for one."
SIGNED_OUT = "You are signed out. Sign in again in another tab, then go on here: your text is still in this page."


def for_editors(view: View[Arguments]) -> View[Arguments]:
    """Anonymous people are sent to sign in; people without any role are told so."""

    @wraps(view)
    def checked(request: Request, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> HttpResponse:
        if not request.user.is_authenticated:
            return sign_in(request)
        if not permissions.is_editor(request.user):
            raise PermissionDenied(NO_ROLE)
        return view(request, *args, **kwargs)

    return checked


def check_admin(request: Request, refusal: str) -> None:
    """Raises PermissionDenied with these words."""
    if not permissions.is_admin(request.user):
        raise PermissionDenied(refusal)


def sign_in(request: Request) -> HttpResponse:
    """To the login page, and back here after. HTMX gets a refusal instead: the page it is in may hold unsaved text.

    What a form sent is not lost: it can be sent again after signing in.
    """
    if request.htmx:
        return HttpResponse(SIGNED_OUT, status=401, content_type="text/plain; charset=utf-8")
    if request.POST:
        return faults.send_again(request, status=401)
    back = request.get_full_path() if request.method in ("GET", "HEAD") else reverse("editor_articles")
    return redirect_to_login(back)


def back(request: Request, otherwise: str) -> HttpResponseRedirect:
    """To the page of ours that a form was sent from."""
    wanted = request.POST.get("next", "")
    ours = wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, None)
    return HttpResponseRedirect(wanted if ours else otherwise)


RELATED = (
    "collection",
    "audience",
    "owner",
    "verified_by",
    "latest_version__author",
    "wanted_version",
    "published_version",
    "scheduled_version",
)


def article_or_404(request: Request, pk: int, *, in_trash: bool = False) -> Article:
    """An article of a collection in which this person has a role; to everybody else it does not exist."""
    mine = Article.objects.editable_by(request.user)
    if in_trash:
        mine = Article.objects.filter(collection__in=Collection.objects.writable_by(request.user))
    return get_object_or_404(mine.with_stage().select_related(*RELATED), pk=pk)
