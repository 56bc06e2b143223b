"""HTMX on our side: the request type, one small render function, and two small middlewares' worth of rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render as django_render
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.functional import SimpleLazyObject
from django_htmx.middleware import HtmxDetails

from kb import permissions, reviewing
from kb.permissions import Reader


class Request(HttpRequest):
    """A request as our views get it: with HTMX details and a reader."""

    htmx: HtmxDetails
    user: Reader  # type: ignore[assignment]  # either a person or nobody in particular


def render(
    request: HttpRequest, template: str, context: dict[str, Any] | None = None, *, partial: str = "", status: int = 200
) -> HttpResponse:
    """The page, or for a request by HTMX the named partial of the same template."""
    wanted = partial and getattr(request, "htmx", False) and not request.htmx.boosted  # type: ignore[attr-defined]  # set by the middleware
    name = f"{template}#{partial}" if wanted else template
    return django_render(request, name, context or {}, status=status)


def private_pages(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Pages depend on who asks and on whether HTMX asks: no shared cache may keep them or mix them up."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        patch_vary_headers(response, ["HX-Request", "Cookie"])
        if not response.has_header("Cache-Control"):
            patch_cache_control(response, private=True, no_cache=True)
        return response

    return middleware


def site(request: HttpRequest) -> dict[str, Any]:
    """What every page needs: the site's name, and whether to offer the editor's pages."""
    return {
        "site_name": settings.SITE_NAME,
        "support_email": settings.SUPPORT_EMAIL,
        "contact_url": settings.CONTACT_URL,
        "is_editor": permissions.is_editor(request.user) if hasattr(request, "user") else False,
        "is_admin": SimpleLazyObject(lambda: permissions.is_admin(request.user)),
        "reviews_waiting": SimpleLazyObject(lambda: reviewing.count_waiting(request.user)),
        "signup_open": settings.SIGNUP_OPEN,
        "without_model": settings.GENERATOR.endswith("QuotingGenerator"),
    }
