"""Why a search found what it found, and never more than the reader may see."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.management import CommandError, call_command

from kb import explaining, publishing
from kb.models import Audience
from kb.permissions import ReaderOf
from tests import factories

pytestmark = pytest.mark.django_db
NOBODY = AnonymousUser()


@pytest.fixture
def shelf(index, settings):
    settings.RETRIEVAL_CANDIDATES = 2
    made = {
        "best": factories.article("Delivery", "Delivery fees depend on the weight of the parcel."),
        "second": factories.article("Parcels", "A parcel may weigh 30 kg."),
        "far": factories.article("Garden", "Water the roses in the evening."),
        "draft": factories.article("Draft", "Delivery fees.", published=False),
        "hidden": factories.article("Secret", "Delivery fees.", audience=factories.audience("groups", "Operators")),
    }
    index()
    for article in made.values():
        article.refresh_from_db()
    return made


def verdict(article, user=NOBODY) -> str:
    return explaining.explain("delivery fees of a parcel", user=user, article=article).verdict


def test_each_stage_shows_its_ranks(shelf):
    made = explaining.explain("delivery fees of a parcel", user=NOBODY)
    best = made.rows[0]
    assert (best.place, best.final, best.words_rank, best.vector_rank) == ("Delivery", 1, 1, 1)
    assert made.allowed == 3
    assert made.question == ("deliveri", "fee", "parcel")


def test_it_says_why_an_article_did_not_come_up(shelf):
    assert verdict(shelf["best"]) == "“Delivery” came up at place 1."
    assert verdict(shelf["draft"]) == "“Draft” is not published: its state is draft."
    assert "its audience “Operators” does not include this reader" in verdict(shelf["hidden"])
    assert verdict(shelf["far"]).startswith("Neither leg had “Garden” among its candidates")


def test_an_article_that_waits_for_its_index_is_named_so(shelf, collection):
    late = factories.article("Late", "Delivery fees.", collection=collection)
    assert verdict(late) == "“Late” is published, but its first version is still being indexed."


def test_a_withdrawn_article_leaves_no_row(shelf, editor):
    publishing.unpublish(shelf["best"], by=editor)
    places = [row.place for row in explaining.explain("delivery fees", user=NOBODY).rows]
    assert "Delivery" not in places


def test_an_audience_sees_what_its_readers_see(shelf):
    ids = Audience.objects.filter(name__in=["everyone", "Operators"]).values_list("pk", flat=True)
    places = {row.place for row in explaining.explain("delivery fees", user=ReaderOf(ids)).rows}
    assert "Secret" in places
    assert "Secret" not in {row.place for row in explaining.explain("delivery fees", user=NOBODY).rows}


def test_the_command_prints_the_stages_and_the_verdict(shelf, capsys):
    call_command("search", "delivery fees", "--explain", "--article", "draft")
    printed = capsys.readouterr().out
    assert "final fused" in printed
    assert "“Draft” is not published" in printed


def test_the_command_knows_no_such_article(shelf):
    with pytest.raises(CommandError, match="There is no article “nowhere”"):
        call_command("search", "delivery", "--explain", "--article", "nowhere")
