"""manage.py seed: the demo help center is whole, and only ever planted in an empty one."""

from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.models import AnonymousUser
from django.core.management import CommandError, call_command
from django.db import IntegrityError

from kb import freshness
from kb.models import Article, Collection
from portal.management.commands import seed
from portal.models import User
from tests import factories

pytestmark = pytest.mark.django_db

ARTICLES = [path for path in Path(settings.BASE_DIR, "content").rglob("*.md") if not path.name.startswith("_")]


@pytest.fixture(autouse=True)
def _development(settings) -> None:
    settings.DEBUG = True


def test_the_demo_is_whole_and_its_people_read_different_things(capsys):
    call_command("seed")
    captured = capsys.readouterr()
    assert captured.err == "", "an article that failed, a link that leads nowhere or a figure that is missing"
    assert f"{len(ARTICLES)} demo articles in {Collection.objects.count()} collections" in captured.out
    totals = freshness.totals()
    assert (totals["articles"], totals["fresh"]) == (len(ARTICLES), len(ARTICLES))
    assert len(ARTICLES) >= 30
    assert Collection.objects.count() >= 6
    for name, password, _ in seed.LOGINS:
        assert authenticate(username=name, password=password) is not None, name
    everyone, reader, operator = (
        Article.objects.visible_to(person).count()
        for person in (AnonymousUser(), *(User.objects.get(username=name) for name in ("reader", "operator")))
    )
    assert everyone < reader < operator


@pytest.mark.parametrize("there", ["article", "reader"])
def test_a_help_center_that_is_not_empty_is_left_alone(there, request):
    request.getfixturevalue(there)
    before = (Article.objects.count(), User.objects.count())
    call_command("seed", "--if-empty")
    assert (Article.objects.count(), User.objects.count()) == before
    with pytest.raises(
        CommandError, match="There are articles or people already; seed fills only an empty help center"
    ):
        call_command("seed")


def test_without_debug_there_are_no_people_with_known_passwords(settings):
    settings.DEBUG = False
    with pytest.raises(CommandError, match="seed works only with DEBUG on"):
        call_command("seed")
    assert not User.objects.exists()


def test_a_seed_that_breaks_off_leaves_nothing():
    factories.person("author")
    with pytest.raises(IntegrityError):
        seed.plant()
    assert not Collection.objects.exists()
    assert not Article.objects.exists()
