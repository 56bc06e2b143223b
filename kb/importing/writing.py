"""One planned file written: its article created or changed, in one transaction."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from kb import publishing
from kb.entrusting import UNCHANGED
from kb.importing.planning import Plan
from kb.importing.shelves import Options
from kb.models import Article


@transaction.atomic
def write(plan: Plan, options: Options) -> Article:
    """Do what the plan says. Raises Conflict when somebody saved meanwhile, and whatever publishing raises."""
    if plan.article is None:
        article = create(plan, options)
    else:
        article = plan.article
        if plan.changes:
            change(article, plan, options)
        if article.external_id != plan.parsed.identity:  # it was found by its path, or is known by its address
            Article.objects.filter(pk=article.pk).update(external_id=plan.parsed.identity)
    if plan.aim == "publish":
        publishing.publish(article, by=options.by)
    elif plan.aim == "archive":
        publishing.archive(article, by=options.by)
    return article


def create(plan: Plan, options: Options) -> Article:
    one = plan.parsed
    fields: dict[str, Any] = {
        "slug": plan.slug,
        "tags": list(one.tags),
        "external_id": one.identity,
        "position": one.position,
    }
    if plan.audience is not None and plan.audience.pk != plan.collection.audience_id:
        publishing.check(options.by, "publish", plan.collection)
        fields["audience"] = plan.audience
    if plan.owner is not None:
        fields["owner"] = plan.owner
    if plan.review_on is not None:
        fields["review_on"] = plan.review_on
    return publishing.create(plan.collection, plan.content, by=options.by, note="Imported", **fields)


def change(article: Article, plan: Plan, options: Options) -> None:
    one = plan.parsed
    publishing.save(article, plan.content, by=options.by, based_on=plan.based_on, note="Imported again")
    publishing.arrange(
        article,
        by=options.by,
        tags=one.tags,
        audience=plan.audience,
        owner=plan.owner or UNCHANGED,
        review_on=plan.review_on or UNCHANGED,
    )
    if one.position and article.position != one.position:
        Article.objects.filter(pk=article.pk).update(position=one.position)
