"""People: who has an account, and inviting somebody. For admins of the whole help center."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.editor.access import check_admin, for_editors
from portal.editor.people_forms import InvitationForm
from portal.htmx import Request, render
from portal.models import User
from portal.people import NOT_ADMIN, send_invitation
from portal.people import invite as send

log = logging.getLogger(__name__)

A_PAGE = 50


def tell(request: Request, sending: Callable[[], object], *, to: str) -> None:
    """Send a message, and say whether it got out."""
    try:
        sending()
        messages.success(request, f"An invitation is on its way to {to}.")
    except OSError as error:  # all that a mail server and the way to it can come up with
        log.warning("people: no mail gets out: %s", error)
        messages.error(request, f"The account is made, but no mail gets out ({error}). Use “Send again” later.")


@require_safe
@for_editors
def people(request: Request) -> HttpResponse:
    """Everybody with an account, with roles and groups; `q` finds by name or address."""
    check_admin(request, NOT_ADMIN)
    wanted = request.GET.get("q", "").replace("\0", "").strip()
    found = User.objects.prefetch_related("groups", "memberships__collection").order_by("-date_joined", "pk")
    for word in wanted.split():
        named = Q(username__icontains=word) | Q(first_name__icontains=word) | Q(last_name__icontains=word)
        found = found.filter(named | Q(email__icontains=word))
    page = Paginator(found, A_PAGE).get_page(request.GET.get("page"))
    return render(request, "editor/people.html", {"page": page, "wanted": wanted})


@require_http_methods(["GET", "HEAD", "POST"])
@for_editors
def invite(request: Request) -> HttpResponse:
    """Invite one person by e-mail."""
    check_admin(request, NOT_ADMIN)
    form = InvitationForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        invitation = form.invitation()
        tell(request, lambda: send(invitation, by=request.user, request=request), to=invitation.email)
        return redirect("editor_people")
    return render(request, "editor/people_invite.html", {"form": form})


@require_POST
@for_editors
def invite_again(request: Request, pk: int) -> HttpResponse:
    """Send a new link to somebody who has not chosen a password yet; the old link works as long as it would have."""
    check_admin(request, NOT_ADMIN)
    user = get_object_or_404(User, pk=pk, is_active=True)
    if user.has_usable_password():
        messages.error(request, f"{user} has a password already; a forgotten one can be set anew on the sign-in page.")
    else:
        tell(request, lambda: send_invitation(user, by=request.user, request=request), to=user.email)
    return redirect("editor_people")
