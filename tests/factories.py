"""The cast and the things they handle."""

from typing import Any

import factory
from django.contrib.auth.models import Group
from django.db import connection

from kb import publishing
from kb.models import Article, Audience, Collection, EvaluationCase, EvaluationSet, Membership
from kb.publishing import Content
from portal.models import User

PASSWORD = "correct horse battery"


class UserFactory(factory.django.DjangoModelFactory[User]):
    class Meta:
        model = User
        django_get_or_create = ("username",)
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"person{n}")
    email = factory.LazyAttribute(lambda person: f"{person.username}@example.org")
    password = factory.django.Password(PASSWORD)


def audience(kind: str = "everyone", *groups: str) -> Audience:
    """The audience of that kind; for groups, one named after them."""
    name = " and ".join(groups) if kind == "groups" else kind
    made, created = Audience.objects.get_or_create(name=name, defaults={"kind": kind})
    if created:
        made.groups.set([Group.objects.get_or_create(name=group)[0] for group in groups])
    return made


def collection(name: str = "Guides", *, kind: str = "everyone", groups: tuple[str, ...] = ()) -> Collection:
    made, _ = Collection.objects.get_or_create(
        name=name, defaults={"slug": name.lower().replace(" ", "-"), "audience": audience(kind, *groups)}
    )
    return made


def person(username: str, *, role: str = "", where: Collection | None = None, group: str = "") -> User:
    user = UserFactory(username=username)
    if role:
        Membership.objects.create(user=user, role=role, collection=where)
    if group:
        user.groups.add(Group.objects.get_or_create(name=group)[0])
    return user


def article(title: str, source: str = "", *, published: bool = True, summary: str = "", **fields: Any) -> Article:
    """An article, published unless said otherwise; it is searchable once `index()` has run."""
    where = fields.pop("collection", None) or collection()
    language = fields.pop("language", "en")
    made = publishing.create(where, Content(title, source or f"{title}.", summary, language), by=None, **fields)
    if published:
        publishing.publish(made, by=None)
    return made


def case(where: EvaluationSet, question: str, *rights: Article, **fields: Any) -> EvaluationCase:
    """An evaluation case that these articles answer."""
    made = EvaluationCase.objects.create(set=where, question=question, **fields)
    for right in rights:
        made.rights.create(article=right)
    return made


def delete_for_good(article: Article) -> None:
    """An article and its versions, which the database otherwise refuses to delete."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL footnote.purge = 'on'")
        article.delete()
        cursor.execute("SET LOCAL footnote.purge = 'off'")
