"""What a search is narrowed to: inside both legs, before ranking."""

import datetime

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.utils import timezone

from kb import browsing, explaining, frequencies, narrowing, outset, publishing
from kb.filters import EVERYWHERE, Within
from kb.models import Article, Chunk, CorpusStatistics
from kb.permissions import reader_of
from kb.retrieval import retrieve
from tests import factories

pytestmark = pytest.mark.django_db
NOBODY = AnonymousUser()


@pytest.fixture
def shelf(index, operators):
    """Twelve guides that fit better, and others that a filter has to reach below them."""
    for number in range(12):
        factories.article(f"Parcel weight {number}", "The parcel weight of a parcel.", tags=["many"])
    manuals = factories.collection("Manuals")
    factories.article("Scales", "A parcel lies on it.", collection=manuals, tags=["few", "many"])
    factories.article("Waage", "Ein parcel liegt darauf.", language="de", collection=manuals)
    factories.article("Balança", "Um parcel.", language="pt-BR", collection=manuals)
    hidden = factories.collection("Hidden", kind="groups", groups=("Operators",))
    factories.article("Vault", "A parcel in the vault.", collection=hidden, tags=["vaults"], language="fi")
    index()
    Article.objects.filter(slug="scales").update(published_at=timezone.now() - datetime.timedelta(days=30))


def titles(**within) -> list[str]:
    return [hit.title for hit in retrieve("parcel weight", user=NOBODY, within=Within(**within))]


@pytest.mark.parametrize(
    ("within", "expected"),
    [
        ({"collection": "manuals"}, {"Scales", "Waage", "Balança"}),
        ({"tag": "few"}, {"Scales"}),
        ({"language": "de"}, {"Waage"}),
        ({"language": "PT"}, {"Balança"}),
        ({"language": "pt-BR"}, {"Balança"}),
        ({"article": "waage"}, {"Waage"}),
        ({"collection": "manuals", "tag": "many"}, {"Scales"}),
        ({"collection": "manuals", "since": timezone.localdate() - datetime.timedelta(days=7)}, {"Waage", "Balança"}),
        ({"tag": "few", "language": "de"}, set()),
        ({"collection": "hidden"}, set()),
        ({"tag": "vaults"}, set()),
    ],
)
def test_each_filter_leaves_what_it_says_however_much_fits_better(shelf, settings, within, expected):
    settings.RETRIEVAL_CANDIDATES = 5  # filtered after ranking, none of these would be left
    assert set(titles(**within)) == expected


def allowed(within: Within = EVERYWHERE) -> int:
    reader = reader_of(None)
    seen = Chunk.objects.visible_to(reader).within(within)
    return outset.read("parcel", seen=seen, reader=reader, within=within).allowed


def test_what_is_allowed_is_known_from_the_last_count_and_counted_within_filters(shelf, settings):
    narrow = Within(collection="manuals")
    assert (allowed(), allowed(narrow)) == (15, 3)
    Article.objects.filter(slug="scales").update(state=Article.State.ARCHIVED)
    assert (allowed(), allowed(narrow)) == (15, 2)
    frequencies.refresh(force=True)
    assert allowed() == 14
    settings.EXACT_BELOW = 1  # counting ends at two
    assert allowed(narrow) == 14
    CorpusStatistics.objects.update(audiences={})
    assert (allowed(), allowed(narrow)) == (0, 2)


def test_what_was_published_since_the_last_count_is_found(shelf):
    CorpusStatistics.objects.update(audiences={}, chunks=0)
    assert set(titles(collection="manuals")) == {"Scales", "Waage", "Balança"}
    assert len(titles()) == 10


def test_titles_are_suggested_within_the_filters(shelf):
    assert [a.slug for a in browsing.suggest("sca", user=NOBODY, within=Within(collection="manuals"))] == ["scales"]
    assert browsing.suggest("sca", user=NOBODY, within=Within(collection="guides")) == []


def test_a_change_of_tags_costs_no_vector_and_counts_at_once(shelf, index):
    publishing.arrange(Article.objects.get(slug="waage"), by=None, tags=["few"])
    assert set(titles(tag="few")) == {"Scales", "Waage"}
    assert index() == 0


def test_it_is_explained_why_a_filter_left_an_article_out(shelf):
    scales = Article.objects.get(slug="scales")
    made = explaining.explain("parcel", user=NOBODY, article=scales, within=Within(language="de"))
    assert made.verdict == "“Scales” was left out: it is not among what this search was narrowed to."


def test_choices_are_those_of_visible_articles_with_their_numbers(shelf, operator):
    offered = narrowing.choices(NOBODY)
    assert [(one.value, one.name, one.articles) for one in offered.collections] == [
        ("guides", "Guides", 12),
        ("manuals", "Manuals", 3),
    ]
    assert [(one.value, one.articles) for one in offered.tags] == [("many", 13), ("few", 1)]
    assert [(one.value, one.name, one.articles) for one in offered.languages] == [
        ("en", "English", 13),
        ("de", "German", 1),
        ("pt", "Portuguese", 1),
    ]
    assert "hidden" in {one.value for one in narrowing.choices(operator).collections}


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("collection", "hidden", "There is no collection “hidden” with an article for you."),
        ("collection", "nowhere", "There is no collection “nowhere” with an article for you."),
        ("tag", "vaults", "No article for you has the tag “vaults”."),
        ("tag", "'; DROP TABLE kb_article; --", "No article for you has the tag “'; DROP TABLE kb_article; --”."),
        ("tag", "{few}", "No article for you has the tag “{few}”."),
        ("language", "fi", "No article for you is in the language “fi”."),
        ("language", "%", "No article for you is in the language “%”."),
        ("article", "vault", "There is no article “vault” for you."),
        ("article", "a\0b", "There is no article “a\0b” for you."),
        ("collection", "\udcff", "There is no collection “\udcff” with an article for you."),
        ("collection", "x" * 10_000, f"There is no collection “{'x' * 80}” with an article for you."),
        ("since", "tomorrow", "“tomorrow” is no day. Write it as year, month and day: 2026-03-31."),
        ("since", "2026-02-30", "“2026-02-30” is no day."),
    ],
)
def test_what_is_hidden_unknown_or_senseless_is_said_alike(shelf, name, value, problem):
    with pytest.raises(ValidationError) as caught:
        narrowing.narrowed({name: value}, user=NOBODY)
    assert caught.value.message_dict[name][0].startswith(problem)


def test_all_problems_are_told_at_once(shelf):
    with pytest.raises(ValidationError) as caught:
        narrowing.narrowed({"collection": "x", "since": "y"}, user=NOBODY)
    assert set(caught.value.message_dict) == {"collection", "since"}


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_the_first_and_the_last_day_there_are_work(shelf, day):
    within = narrowing.narrowed({"since": day}, user=NOBODY)
    assert bool(retrieve("parcel", user=NOBODY, within=within)) is (day < "2000")
