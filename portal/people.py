"""Accounts: who may sign up, and how a person is invited."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from allauth.account.adapter import DefaultAccountAdapter, get_adapter
from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.core.mail import send_mail
from django.db import transaction
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse

from kb import permissions
from kb.models import Collection, Membership
from kb.permissions import Reader
from portal.models import User

NOT_ADMIN = "Only admins of the whole help center may invite people."


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Nobody signs up by themselves unless SIGNUP_OPEN; people are invited, or come by single sign-on."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": "That name and password do not match.",
        "email_password_mismatch": "That address and password do not match.",
        "too_many_login_attempts": "Too many tries. Wait five minutes, then try again.",
        "duplicate_email": "This address belongs to your account already.",
        "email_taken": "There is an account with this address already.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return bool(settings.SIGNUP_OPEN)


@dataclass(frozen=True)
class Invitation:
    """Whom to invite, what they may read (by group), and what they may do: in these collections, or in all."""

    email: str
    name: str = ""
    groups: Iterable[Group] = ()
    role: str = ""
    collections: Iterable[Collection] = ()


def invite(invitation: Invitation, *, by: Reader, request: HttpRequest) -> User:
    """An account without a password, and a message with a link to choose one. The link is sent when all is stored."""
    if not permissions.is_admin(by):
        raise PermissionDenied(NOT_ADMIN)
    with transaction.atomic():
        user = make_account(invitation, request=request)
        transaction.on_commit(lambda: send_invitation(user, by=by, request=request))
    return user


def make_account(invitation: Invitation, *, request: HttpRequest) -> User:
    first_name, _, last_name = invitation.name.strip().partition(" ")
    user = User(email=invitation.email, first_name=first_name[:150], last_name=last_name[:150])
    get_adapter(request).populate_username(request, user)
    user.set_unusable_password()
    user.save()
    EmailAddress.objects.create(user=user, email=user.email, primary=True)
    user.groups.set(invitation.groups)
    if invitation.role:
        places: list[Collection | None] = list(invitation.collections) or [None]
        Membership.objects.bulk_create(Membership(user=user, role=invitation.role, collection=at) for at in places)
    return user


def send_invitation(user: User, *, by: Reader, request: HttpRequest) -> None:
    """The same link as for a forgotten password: it works once, for some days. Raises OSError when no mail gets out."""
    key = {"uidb36": user_pk_to_url_str(user), "key": default_token_generator.make_token(user)}
    context = {
        "user": user,
        "by": by,
        "site_name": settings.SITE_NAME,
        "days": settings.PASSWORD_RESET_TIMEOUT // (24 * 3600),
        "link": request.build_absolute_uri(reverse("account_reset_password_from_key", kwargs=key)),
    }
    subject = render_to_string("account/email/invitation_subject.txt", context).strip()
    send_mail(subject, render_to_string("account/email/invitation_message.txt", context), None, [user.email])
