"""Who may read, and who may do what."""

import pytest
from django.contrib.auth.models import AnonymousUser, Group

from kb import permissions
from kb.models import Article, Audience, Collection
from portal.models import User
from tests import factories

pytestmark = pytest.mark.django_db


def readable(user) -> set[str]:
    return set(Article.objects.visible_to(user).values_list("published_version__title", flat=True))


@pytest.fixture
def shelf(index):
    factories.article("Open", audience=factories.audience("everyone"))
    factories.article("Members", audience=factories.audience("signed-in"))
    factories.article("Ops", audience=factories.audience("groups", "Operators"))
    factories.article("Nobody", audience=Audience.objects.create(name="empty", kind="groups"))
    factories.article("Draft", published=False)
    index()


def test_each_reader_sees_exactly_their_audiences(shelf, reader, operator, outsider, admin):
    assert readable(AnonymousUser()) == {"Open"}
    assert readable(reader) == {"Open", "Members"}
    assert readable(operator) == {"Open", "Members", "Ops"}
    assert readable(outsider) == {"Open", "Members"}
    assert readable(admin) == {"Open", "Members"}


def test_an_inactive_account_reads_like_nobody(shelf, operator):
    operator.is_active = False
    assert readable(operator) == {"Open"}


def test_leaving_a_group_closes_its_articles_with_the_next_request(shelf, operator):
    operator.groups.remove(Group.objects.get(name="Operators"))
    assert readable(User.objects.get(pk=operator.pk)) == {"Open", "Members"}


@pytest.mark.parametrize(
    ("role", "actions"),
    [
        ("author", {"write"}),
        ("reviewer", {"write", "review"}),
        ("publisher", {"write", "review", "publish"}),
        ("admin", {"write", "review", "publish", "manage"}),
    ],
)
def test_a_role_allows_its_actions_in_its_collection_only(role, actions, collection):
    elsewhere = factories.collection("Elsewhere")
    person = factories.person("somebody", role=role, where=collection)
    assert {action for action in permissions.ALLOWED if permissions.may(person, action, collection)} == actions
    assert not any(permissions.may(person, action, elsewhere) for action in permissions.ALLOWED)


def test_a_role_without_a_collection_holds_everywhere(editor, collection):
    assert set(Collection.objects.writable_by(editor, "publish")) == set(Collection.objects.all())
    assert not permissions.may(editor, "manage", collection)


def test_nobody_in_particular_may_do_nothing(collection):
    assert not any(permissions.may(AnonymousUser(), action, collection) for action in permissions.ALLOWED)
    assert not permissions.is_editor(AnonymousUser())


def test_counts_show_only_what_the_reader_may_see(shelf, reader):
    counts = {c.name: c.visible for c in Collection.objects.with_counts(reader)}
    assert counts == {"Guides": 2}


def test_collections_stand_in_their_order(index, reader):
    for position, name in ((2, "Second"), (1, "First")):
        where = factories.collection(name)
        Collection.objects.filter(pk=where.pk).update(position=position)
        factories.article(f"In {name}", collection=where)
    index()
    assert [c.name for c in Collection.objects.with_counts(reader)] == ["First", "Second"]
