"""Who may read, write, review, publish and manage: the only access rules there are.

Booleans for one object, Q() for queries. What readers see is decided by audience alone; what editors may do, by role.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from django.apps import apps
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Q

if TYPE_CHECKING:
    from kb.models import Article, Collection

Reader: TypeAlias = AbstractBaseUser | AnonymousUser
Action = Literal["write", "review", "publish", "manage"]

ROLES = ("author", "reviewer", "publisher", "admin")

#                               author reviewer publisher admin
ALLOWED: dict[Action, frozenset[str]] = {
    "write": frozenset(ROLES),  # see drafts and history, edit, save, restore
    "review": frozenset({"reviewer", "publisher", "admin"}),  # approve, or ask for changes
    "publish": frozenset({"publisher", "admin"}),  # publish, unpublish, archive, choose the audience
    "manage": frozenset({"admin"}),  # people, collections, audiences, failed jobs
}


def audiences(user: Reader) -> Q:
    """The audiences a reader belongs to; an inactive account reads like nobody in particular."""
    everyone = Q(kind="everyone")
    if not user.is_authenticated or not user.is_active:
        return everyone
    groups = user.groups.values("pk")  # type: ignore[union-attr]  # our users have groups; anonymous returned above
    return everyone | Q(kind="signed-in") | Q(kind="groups", groups__in=groups)


def audience_ids(user: Reader) -> list[int]:
    """Worked out once for each person's object, that is once a request; nobody in particular may be a shared object."""
    known: list[int] | None = getattr(user, "_audience_ids", None)
    if known is None:
        audience = apps.get_model("kb", "Audience")
        known = sorted(set(audience.objects.filter(audiences(user)).values_list("pk", flat=True)))
        if user.is_authenticated:
            user._audience_ids = known  # type: ignore[union-attr]  # a memo on the request's own user object
    return known


def collections(user: Reader, action: Action) -> Q:
    """The collections in which this person may do this."""
    if not user.is_authenticated or not user.is_active:
        return Q(pk__in=[])
    if getattr(user, "is_superuser", False):
        return Q()
    memberships: Any = user.memberships.filter(role__in=ALLOWED[action])  # type: ignore[union-attr]  # reverse of Membership.user
    if memberships.filter(collection=None).exists():
        return Q()
    return Q(pk__in=memberships.values("collection"))


def may(user: Reader, action: Action, where: Article | Collection) -> bool:
    """Whether this person may do this to this article, or in this collection."""
    collection = getattr(where, "collection", where)
    return type(collection)._default_manager.filter(collections(user, action), pk=collection.pk).exists()


def is_editor(user: Reader) -> bool:
    """Whether the editor's pages are for this person at all."""
    if not user.is_authenticated or not user.is_active:
        return False
    return bool(getattr(user, "is_superuser", False) or user.memberships.exists())  # type: ignore[union-attr]  # reverse relation


def is_admin(user: Reader) -> bool:
    """Whether this person manages the whole help center: people, groups and audiences included."""
    if not user.is_authenticated or not user.is_active:
        return False
    memberships: Any = user.memberships  # type: ignore[union-attr]  # reverse of Membership.user
    return bool(getattr(user, "is_superuser", False) or memberships.filter(role="admin", collection=None).exists())
