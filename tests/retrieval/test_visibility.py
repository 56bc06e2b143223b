"""For any articles, states, audiences, groups, filters and readers: nothing comes up that this reader may not see."""

from __future__ import annotations

import datetime
from collections import Counter
from dataclasses import dataclass

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from kb import browsing, explaining, frequencies, narrowing, retrieval
from kb.filters import Within
from kb.models import Article, Audience, Chunk, Collection, Deletion
from kb.permissions import Reader, ReaderOf
from tests import factories

pytestmark = pytest.mark.django_db

BIRDS = ("albatross", "bittern", "cormorant", "dotterel", "eagle", "flamingo", "goshawk", "hoatzin")
TAGS = ("alpha", "beta", "gamma")
LANGUAGES = ("en", "de", "pt-BR")
TODAY = datetime.date(2026, 6, 15)
SHELVES = ("Guides", "Manuals")
# Each bird's name, with a typo, unfinished, the words all share, and a word that nothing holds.
QUESTIONS = ("", *BIRDS, "albatros", "cormornat", "flamngo", "goshawlk", "hoatzn", "flam", "nest of a bird", "xqzzy")
FIRST_FOUND = (Phase.explicit, Phase.reuse, Phase.generate)  # examples are small: making them smaller takes minutes
QUICKLY = settings(
    max_examples=30,
    deadline=None,
    phases=FIRST_FOUND,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
LONG = settings(QUICKLY, max_examples=1000)


@dataclass(frozen=True)
class Place:
    """Where an article is put for one example."""

    state: str
    audience: int
    shelf: int
    tags: tuple[str, ...]
    days: int  # before today it was published


@dataclass(frozen=True)
class Aviary:
    """Eight articles of the same kind that an example rearranges, the people who read, and their audiences."""

    articles: list[Article]
    audiences: list[Audience]
    shelves: list[Collection]
    readers: list[Reader]

    def arrange(self, places: list[Place]) -> None:
        """Straight into the rows, as no person could: any state with any audience."""
        for article, place in zip(self.articles, places, strict=True):
            Article.objects.filter(pk=article.pk).update(
                state=place.state,
                audience=self.audiences[place.audience],
                collection=self.shelves[place.shelf],
                tags=list(place.tags),
                published_version=article.latest_version if place.state != "draft" else None,
                published_at=timezone.make_aware(datetime.datetime.combine(TODAY, datetime.time(12)))
                - datetime.timedelta(days=place.days),
            )
        self.throw_away(places)

    def throw_away(self, places: list[Place]) -> None:
        """What deleting leaves of an article, for those who could read it."""
        Deletion.objects.all().delete()
        Deletion.objects.bulk_create(
            Deletion(
                article=article,
                title=str(article),
                slugs=[article.slug, f"old-{article.slug}"],
                audience=self.audiences[place.audience],
                before={},
            )
            for article, place in zip(self.articles, places, strict=True)
            if place.state == "deleted"
        )

    def visible(self, places: list[Place], reader: Reader, within: Within) -> set[int]:
        """The rule in words of its own: what this reader may see of it, within the filters."""
        return {
            article.pk
            for article, place in zip(self.articles, places, strict=True)
            if place.state == "published"
            and may_read(self.audiences[place.audience], reader)
            and within.collection in ("", self.shelves[place.shelf].slug)
            and (not within.tag or within.tag in place.tags)
            and within.language in ("", language_of(article), language_of(article).partition("-")[0])
            and (within.since is None or TODAY - datetime.timedelta(days=place.days) >= within.since)
            and within.article in ("", article.slug)
        }


def language_of(article: Article) -> str:
    assert article.latest_version is not None
    return article.latest_version.language


def may_read(audience: Audience, reader: Reader) -> bool:
    if isinstance(reader, ReaderOf):
        return audience.pk in reader.ids
    if audience.kind == "everyone":
        return True
    if not reader.is_authenticated or not reader.is_active:
        return False
    groups = set(audience.groups.values_list("pk", flat=True))
    return audience.kind == "signed-in" or bool(groups & set(reader.groups.values_list("pk", flat=True)))


@pytest.fixture
def aviary(index, everyone, signed_in, operators, reader, operator, outsider) -> Aviary:
    shelves = [factories.collection(name) for name in SHELVES]
    articles = [
        factories.article(
            f"Nest of a {bird}",
            f"The nest of a bird is dry.\n\n## Food\n\nA bird such as the {bird} eats from its nest.",
            language=LANGUAGES[number % len(LANGUAGES)],
            collection=shelves[0],
        )
        for number, bird in enumerate(BIRDS)
    ]
    index()
    nobody = factories.audience("groups", "Empty", "Others")
    nobody.groups.clear()
    asleep = factories.person("asleep", group="Operators")
    asleep.is_active = False
    asleep.save()
    audiences = [everyone, signed_in, operators, nobody]
    readers = [AnonymousUser(), reader, operator, outsider, asleep, ReaderOf([signed_in.pk, nobody.pk])]
    for article in articles:
        article.refresh_from_db()
    return Aviary(articles, audiences, shelves, readers)


places = st.lists(
    st.builds(
        Place,
        state=st.sampled_from(["published", "published", "published", *Article.State.values]),
        audience=st.integers(0, 3),
        shelf=st.integers(0, 1),
        tags=st.sets(st.sampled_from(TAGS)).map(tuple),
        days=st.integers(0, 3),
    ),
    min_size=len(BIRDS),
    max_size=len(BIRDS),
)
filters = st.builds(
    Within,
    collection=st.sampled_from(["", "", "guides", "manuals", "nowhere"]),
    tag=st.sampled_from(["", "", "", *TAGS, "delta"]),
    language=st.sampled_from(["", "", "", "en", "de", "pt", "pt-BR", "fr"]),
    since=st.none() | st.integers(0, 4).map(lambda days: TODAY - datetime.timedelta(days=days)),
    article=st.sampled_from(["", "", "", "", "nest-of-a-eagle", "nest-of-a-hoatzin"]),
)
worlds = given(
    placed=places,
    who=st.integers(0, 5),
    within=st.just(Within()) | filters,
    question=st.sampled_from(QUESTIONS),
    counted=st.booleans(),
    exactly=st.booleans(),
)


def check(aviary, settings, placed, who, within, question, counted, exactly):
    """`counted`: whether the words were counted after the change; `exactly`: which of the two vector searches."""
    aviary.arrange(placed)
    if counted:
        frequencies.refresh(force=True)
    settings.EXACT_BELOW = 10_000 if exactly else -1
    user = aviary.readers[who]
    seen = aviary.visible(placed, user, within)
    check_retrieval(aviary, user, within, question, seen)
    check_browsing(aviary, user, within, question, seen)
    check_counts(aviary, placed, user)
    check_gone(aviary, placed, user)


def check_retrieval(aviary, user, within, question, seen):
    traced = retrieval.trace(question, user=user, within=within)
    owner = dict(Chunk.objects.values_list("pk", "version__article"))
    for leg in ("words", "vector"):
        assert {owner[chunk] for chunk in traced.ranked(leg)} <= seen
    assert {owner[chunk] for chunk in traced.fused} <= seen
    assert {hit.article_id for hit in traced.hits} <= seen
    everything = retrieval.trace("nest of a bird", user=user, within=within)
    assert {hit.article_id for hit in everything.hits} == seen
    slugs = {article.slug for article in aviary.articles if article.pk in seen}
    made = explaining.explain(question, user=user, within=within)
    assert {row.slug for row in made.rows} <= slugs
    if traced.question:
        text = " ".join(Chunk.objects.filter(version__article__in=seen).values_list("passage__text", flat=True)).lower()
        assert all(meant in text for _, meant in traced.question.corrected)


def check_browsing(aviary, user, within, question, seen):
    suggested = browsing.suggest(question, user=user, within=within)
    assert {article.pk for article in suggested} <= seen
    finished = browsing.complete(question, user=user)
    assert {hit.article_id for hit in retrieval.retrieve(finished, user=user, within=within)} <= seen
    anywhere = set(Article.objects.visible_to(user).values_list("pk", flat=True))
    for article in Article.objects.filter(pk__in=seen).select_related("published_version")[:2]:
        assert {other.pk for other in browsing.related(article, user=user)} <= anywhere - {article.pk}


def check_counts(aviary, placed, user):
    seen = aviary.visible(placed, user, Within())
    mine = [(article, place) for article, place in zip(aviary.articles, placed, strict=True) if article.pk in seen]
    shelves = Counter(aviary.shelves[place.shelf].slug for _, place in mine)
    offered = narrowing.choices(user)
    assert {one.value: one.articles for one in offered.collections} == shelves
    assert {one.value: one.articles for one in offered.tags} == Counter(tag for _, p in mine for tag in p.tags)
    assert {one.value: one.articles for one in offered.languages} == Counter(language_of(a)[:2] for a, _ in mine)
    assert {shelf.slug: shelf.visible for shelf in Collection.objects.with_counts(user)} == shelves


def check_gone(aviary, placed, user):
    """That something was deleted is told to those who could read it, and only they are shown what is like it."""
    seen = aviary.visible(placed, user, Within())
    for article, place in zip(aviary.articles, placed, strict=True):
        if place.state != "deleted":
            continue
        known = Deletion.objects.known_to(user, f"old-{article.slug}")
        assert [gone.article_id for gone in known] == [article.pk] * may_read(aviary.audiences[place.audience], user)
        assert {other.pk for gone in known for other in browsing.suggest(gone.title, user=user)} <= seen


@worlds
@QUICKLY
def test_nothing_comes_up_that_a_reader_may_not_see(aviary, settings, placed, who, within, question, counted, exactly):
    check(aviary, settings, placed, who, within, question, counted, exactly)


@pytest.mark.proof
@worlds
@LONG
def test_nothing_ever_comes_up_that_a_reader_may_not_see(
    aviary, settings, placed, who, within, question, counted, exactly
):
    check(aviary, settings, placed, who, within, question, counted, exactly)
