"""Who may read, write, review, publish and manage: the only access rules there are.

Booleans for one object, Q() for queries. What readers see is decided by audience alone; what editors may do, by role.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from django.apps import apps
from django.contrib.auth.models import AbstractUser, AnonymousUser
from django.db.models import Q, QuerySet

if TYPE_CHECKING:
    from kb.models import Article, Audience, Collection

Reader: TypeAlias = AbstractUser | AnonymousUser
Action = Literal["write", "review", "publish", "manage"]

ROLES = ("author", "reviewer", "publisher", "admin")

#                               author reviewer publisher admin
ALLOWED: dict[Action, frozenset[str]] = {
    "write": frozenset(ROLES),  # see drafts and history, edit, save, restore
    "review": frozenset({"reviewer", "publisher", "admin"}),  # approve, or ask for changes
    "publish": frozenset({"publisher", "admin"}),  # publish, unpublish, archive, choose the audience
    "manage": frozenset({"admin"}),  # people, collections, audiences
}


def covers(wide: Audience, narrow: Audience) -> bool:
    """Whether all who belong to one audience belong to the other; of groups, as far as their names tell."""
    if wide.kind != "groups" or narrow.kind != "groups":
        order = ["groups", "signed-in", "everyone"]
        return order.index(wide.kind) >= order.index(narrow.kind)
    return {group.pk for group in narrow.groups.all()} <= {group.pk for group in wide.groups.all()}


class ReaderOf(AnonymousUser):
    """Somebody who belongs to these audiences and is nobody in particular: for explaining and for probes."""

    def __init__(self, ids: Iterable[int]) -> None:
        super().__init__()
        self.ids = sorted(set(ids))


def reader_of(audience: Audience | None) -> ReaderOf:
    """Nobody in particular of this audience: of a group, so signed in; None is nobody who signed in."""
    every = apps.get_model("kb", "Audience")._default_manager
    kinds = ["everyone"] if audience is None else ["everyone", "signed-in"]
    ids = every.filter(kind__in=kinds).values_list("pk", flat=True)
    return ReaderOf([*ids, *([audience.pk] if audience else [])])


def audiences(user: Reader) -> Q:
    """The audiences a reader belongs to; an inactive account reads like nobody in particular."""
    everyone = Q(kind="everyone")
    if not user.is_authenticated or not user.is_active:
        return everyone
    return everyone | Q(kind="signed-in") | Q(kind="groups", groups__user=user.pk)


def audience_ids(user: Reader) -> list[int]:
    """Worked out once for each person's object, that is once a request; nobody in particular may be a shared object."""
    if isinstance(user, ReaderOf):
        return user.ids
    memo: dict[str, list[int]] = vars(user) if user.is_authenticated else {}
    if "_audience_ids" not in memo:
        every = apps.get_model("kb", "Audience")._default_manager
        memo["_audience_ids"] = sorted(set(every.filter(audiences(user)).values_list("pk", flat=True)))
    return memo["_audience_ids"]


def memberships(user: Reader) -> QuerySet[Any]:
    return apps.get_model("kb", "Membership")._default_manager.filter(user=user.pk)


def collections(user: Reader, action: Action) -> Q:
    """The collections in which this person may do this."""
    if not user.is_authenticated or not user.is_active:
        return Q(pk__in=[])
    if user.is_superuser:
        return Q()
    held = memberships(user).filter(role__in=ALLOWED[action])
    if held.filter(collection=None).exists():
        return Q()
    return Q(pk__in=held.values("collection"))


def may(user: Reader, action: Action, where: Article | Collection) -> bool:
    """Whether this person may do this to this article, or in this collection."""
    collection = getattr(where, "collection", where)
    every = apps.get_model("kb", "Collection")._default_manager
    return every.filter(collections(user, action), pk=collection.pk).exists()


def deleting(article: Article) -> Action:
    """What it takes to delete an article and to bring it back: readers' articles are for publishers, drafts for all."""
    return "write" if article.published_at is None and article.wanted_version_id is None else "publish"


def deletions(user: Reader) -> Q:
    """The deletions that this person might have made; of an article still in the trash."""
    every = apps.get_model("kb", "Collection")._default_manager
    publishing, writing = (every.filter(collections(user, action)) for action in ("publish", "write"))
    return Q(article__collection__in=publishing) | Q(
        article__published_at=None, audience=None, article__collection__in=writing
    )


def people(action: Action, where: Collection | None) -> Q:
    """The people who may do this in this collection, or in any."""
    held = apps.get_model("kb", "Membership")._default_manager.filter(role__in=ALLOWED[action])
    if where is not None:
        held = held.filter(Q(collection=None) | Q(collection=where))
    return Q(is_active=True) & (Q(is_superuser=True) | Q(pk__in=held.values("user")))


def is_editor(user: Reader) -> bool:
    """Whether the editor's pages are for this person at all."""
    if not user.is_authenticated or not user.is_active:
        return False
    return user.is_superuser or memberships(user).exists()


def is_admin(user: Reader) -> bool:
    """Whether this person manages the whole help center: people, groups and audiences included."""
    if not user.is_authenticated or not user.is_active:
        return False
    return user.is_superuser or memberships(user).filter(role="admin", collection=None).exists()
