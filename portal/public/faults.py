"""Pages for what went wrong before a view could answer: nothing that was typed is lost with them."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.cache import patch_cache_control

LONG = 200  # characters from which on a field is shown, to be copied
TOO_LARGE = "This is too large to be sent: at most {most:.1f} MB at once. It is still in your page: make it shorter."
UNSENT = ("csrfmiddlewaretoken",)
SECRET_PLACES = ("/accounts/", "/admin/")


def send_again(request: HttpRequest, *, status: int) -> HttpResponse:
    """The form as it was sent, to be sent once more: after signing in, or after the page has got too old.

    It holds what this very request brought along and nothing is kept. Files cannot be put into a form again.
    """
    sent = [(name, value) for name, values in request.POST.lists() if name not in UNSENT for value in values]
    context = {
        "address": request.get_full_path(),
        "shown": [(name, value) for name, value in sent if is_long(value)],
        "quiet": [(name, value) for name, value in sent if not is_long(value)],
        "files": bool(request.FILES),
        "signed_out": status == 401,
    }
    page = render(request, "again.html", context, status=status)
    patch_cache_control(page, no_store=True, private=True)
    return page


def is_long(value: str) -> bool:
    return len(value) > LONG or "\n" in value


def no_token(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The token of a form fits no more. A form of our own, which the browser vouches for, can be sent again."""
    is_ours = request.headers.get("Origin") == f"{request.scheme}://{request.get_host()}"
    if is_ours and request.POST and not holds_secrets(request):
        return send_again(request, status=403)
    return render(request, "403_csrf.html", status=403)


def holds_secrets(request: HttpRequest) -> bool:
    """Whether a password may be among what was sent: it is never written into a page."""
    return request.path.startswith(SECRET_PLACES) or any("password" in name for name in request.POST)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if not isinstance(exception, RequestDataTooBig):
        return render(request, "400.html", status=400)
    said = TOO_LARGE.format(most=settings.DATA_UPLOAD_MAX_MEMORY_SIZE / 1e6)
    if "HX-Request" in request.headers:
        return HttpResponse(said, status=413, content_type="text/plain; charset=utf-8")
    return render(request, "413.html", {"said": said}, status=413)


def fault(request: HttpRequest) -> HttpResponse:
    """Without the database, which may be what broke."""
    known = {"site_name": settings.SITE_NAME, "support_email": settings.SUPPORT_EMAIL}
    return HttpResponse(render_to_string("500.html", known), status=500)


def explained(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """A page for whoever opens an address that takes only what a form sends: Django's answer to that is empty."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if response.status_code != 405 or response.content or "HX-Request" in request.headers:
            return response
        page = render(request, "405.html", status=405)
        page["Allow"] = response["Allow"]
        return page

    return middleware
