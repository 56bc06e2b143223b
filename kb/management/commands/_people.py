"""The person a command speaks for."""

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.core.management.base import CommandError

from kb.permissions import Reader


def person(username: str | None) -> Reader:
    """The user of that name, or nobody in particular."""
    if not username:
        return AnonymousUser()
    user = get_user_model()._default_manager.filter(username=username).first()
    if user is None:
        raise CommandError(f"There is no user “{username}”: give a username that exists, or leave --as out.")
    return user
