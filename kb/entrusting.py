"""Who looks after an article, and by which day it is to be read again."""

from __future__ import annotations

import datetime
from enum import Enum

from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.utils.formats import date_format

from kb import permissions
from kb.models import Article, Collection
from kb.permissions import Reader


class Unchanged(Enum):
    """For arguments of which None means nobody, or no day."""

    UNCHANGED = "unchanged"


UNCHANGED = Unchanged.UNCHANGED


def entrust(
    article: Article, owner: AbstractUser | Unchanged | None, review_on: datetime.date | Unchanged | None
) -> list[str]:
    """Set both on the article, without saving it. Returns what changed, in words."""
    changed = []
    if not isinstance(owner, Unchanged) and (owner.pk if owner else None) != article.owner_id:
        check_owner(owner, article.collection)
        article.owner_id = owner.pk if owner else None
        changed.append(f"owner: {owner or 'nobody'}")
    if not isinstance(review_on, Unchanged) and review_on != article.review_on:
        article.review_on = review_on
        changed.append(f"review on {date_format(review_on, 'j F Y')}" if review_on else "no review date")
    return changed


def check_owner(owner: Reader | None, collection: Collection) -> None:
    if owner is not None and not permissions.may(owner, "write", collection):
        raise ValidationError({"owner": f"{owner} has no role in “{collection}”, so cannot look after this article."})
