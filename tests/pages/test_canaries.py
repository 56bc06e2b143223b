"""Restricted articles hold canary words; no page anybody can reach may sing them to somebody who may not read them."""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from kb import deleting, publishing, reviewing, scheduling
from kb.models import Article, Collection, Deletion, ReadCount
from kb.publishing import Content
from portal.models import User
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)  # pages that stream read from other threads

# Words in every part of an article: for signed-in readers, for the group Operators, and of one that nobody published.
SIGNED_IN, GROUP, DRAFT = "quetzal", "hoatzin", "kakapo"
CANARIES = (SIGNED_IN, GROUP, DRAFT)
# Beside each stands a second word that no probe types into an address, so that no echo hides it.
SECOND = {SIGNED_IN: "motmot", GROUP: "potoo", DRAFT: "takahe"}
LINK = re.compile(r"""(?:href|src|action|hx-get|formaction)="([^"]+)"|<loc>([^<]+)</loc>""")
MOST_PAGES = 400
MOST_VARIANTS = 20  # of one path with different queries: filters of a list combine without end


@dataclass(repr=False)
class Crawl:
    """Every page one person reaches, as text without what that person typed into the address."""

    client: Client
    pages: dict[str, str] = field(default_factory=dict)

    def visit(self, url: str) -> str:
        if url not in self.pages:
            response = self.client.get(url)
            body = b"".join(response) if response.streaming else response.content
            text = f"{dict(response.headers)} {unquote(unescape(body.decode(errors='replace')))}"
            # The page of an address that leads nowhere says the words of the address, as a search for them.
            echoed = {*CANARIES, *SECOND.values()} if response.status_code == 404 else set(CANARIES)
            self.pages[url] = without_echo(text, url, echoed).lower()
        return self.pages[url]

    def follow_all(self, starts: Iterable[str]) -> None:
        waiting = list(starts)
        variants: Counter[str] = Counter()
        while waiting and len(self.pages) < MOST_PAGES:
            url = waiting.pop(0)
            variants[urlsplit(url).path] += url not in self.pages
            if url not in self.pages and variants[urlsplit(url).path] <= MOST_VARIANTS:
                waiting += [urljoin(url, link) for link in links(self.visit(url))]

    def heard(self, canary: str) -> list[str]:
        return [url for url, text in self.pages.items() if canary in text or SECOND[canary] in text]

    def ask(self, question: str) -> str:
        """Ask as somebody without scripts does. Gives the address of the answer."""
        response = self.client.post("/ask/", {"q": question})
        self.visit(response["Location"])
        return response["Location"]


def links(page: str) -> Iterator[str]:
    for match in LINK.finditer(page):
        link = urlsplit(match[1] or match[2])
        ours = link.netloc in ("", "testserver") and link.scheme in ("", "http")
        if ours and not link.path.startswith(("/static/", "/admin/jsi18n")) and "logout" not in link.path:
            query = "" if link.query.startswith("next=") else link.query
            yield link._replace(scheme="", netloc="", query=query, fragment="").geturl()


def without_echo(text: str, url: str, words: set[str]) -> str:
    """What somebody typed into the address may come back to them; only what the page adds to it is news."""
    for word in words.intersection(re.findall(r"\w+", unquote(url))):
        text = re.sub(word, "", text, flags=re.IGNORECASE)
    return text


def canary_article(word: str, *, where: Collection, published: bool = True, **fields: object) -> Article:
    """An article with the words in its address, title, summary, tags, headings, text, table, list and code."""
    both = f"{word} {SECOND[word]}"
    source = (
        f"The {both} lays eggs.\n\n## Where the {both} nests\n\n- in a {both} tree\n\n"
        f"| Bird | Colour |\n|---|---|\n| {both} | green |\n\n```shell\nmake {both}\n```\n"
    )
    return factories.article(
        f"Restore an older version of the {both}?",  # so near to the open article that it would be named beside it
        source,
        summary=f"The {both} and how to restore it.",
        published=published,
        slug=f"about-{word}",
        tags=[word, SECOND[word]],
        collection=where,
        **fields,
    )


@pytest.fixture
def aviary(index, article, signed_in, operators) -> list[Article]:
    """An open article, and three with canaries, each in a collection of its own that is named after its bird."""
    shelves = {word: factories.collection(f"The {word} shelf", kind="signed-in") for word in CANARIES}
    Collection.objects.filter(pk=shelves[GROUP].pk).update(audience=operators)
    birds = [
        canary_article(SIGNED_IN, where=shelves[SIGNED_IN], audience=signed_in),
        canary_article(GROUP, where=shelves[GROUP], audience=operators),
        canary_article(DRAFT, where=shelves[DRAFT], published=False),
    ]
    index()
    for bird, word in zip(birds, CANARIES, strict=True):
        ReadCount.objects.count_read(bird, timezone.localdate())
        publishing.arrange(bird, by=None, slug=address(word))  # the old address, about-<word>, leads there now
    busy(birds)
    return birds


def busy(birds: list[Article]) -> None:
    """Beside what is published: drafts in review and planned, of articles that are published and of one that is not."""
    somebody = factories.person("somebody", role="publisher")
    for bird, word in zip(birds, CANARIES, strict=True):
        if word != DRAFT:
            text = Content(f"A draft of the {DRAFT}", f"The {DRAFT} {SECOND[DRAFT]} sleeps.")
            publishing.save(bird, text, by=None, based_on=1)
        reviewing.ask(bird, by=somebody, text=f"Is this the {DRAFT}, or the {SECOND[DRAFT]}?")
    tomorrow = timezone.now() + datetime.timedelta(days=1)
    scheduling.schedule(birds[0], by=somebody, publish_at=tomorrow, unpublish_at=None)


def address(word: str) -> str:
    return f"{word}-{SECOND[word]}"


def paths() -> Iterator[str]:
    """The address of every pattern that takes a GET without arguments."""
    for route in routes(get_resolver().url_patterns):
        if "<" not in route and "(" not in route and "logout" not in route:
            yield "/" + route.replace("\\Z", "").strip("^$")


def routes(patterns: Iterable[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        else:
            yield route


def probes(birds: list[Article]) -> Iterator[str]:
    """Addresses that somebody who suspects something would try."""
    for bird, word in zip(birds, CANARIES, strict=True):
        shelf = bird.collection.slug
        yield from (f"/articles/about-{word}/", f"/collections/{shelf}/", f"/{word}/")
        yield from (
            f"/articles/older-version-of-the-{word[:4]}/",
            f"/articles/{word[:5]}/",
            f"/articles/{word}/feedback/",
        )
        yield from (f"/search/?q={words}" for words in (word, word[:4], f"where+the+{word}+nests", "lays+eggs"))
        yield from (f"/search/?q={word}&collection={shelf}", f"/ask/?q={word}", f"/editor/?q={word}")
        yield from (f"/search/?tag={word}", f"/search/?q=eggs&article=about-{word}", f"/search/?q={word[:-1]}xn")
        number = bird.latest_version.number if bird.latest_version else 1
        for action in ("", "history/", "chunks/", "status/", "compare/?old=1&new=1", f"versions/{number}/"):
            yield f"/editor/articles/{bird.pk}/{action}"
        yield f"/admin/kb/article/{bird.pk}/change/"


def crawl(user: User | None, birds: list[Article]) -> Crawl:
    crawled = Crawl(signed_in_as(user) if user else Client())
    crawled.follow_all([*paths(), *probes(birds)])
    return crawled


def test_anonymous_readers_never_hear_a_canary(aviary):
    crawled = crawl(None, aviary)
    assert {word: crawled.heard(word) for word in CANARIES} == {word: [] for word in CANARIES}


def test_signed_in_readers_hear_their_own_canary_and_no_other(aviary, reader):
    crawled = crawl(reader, aviary)
    assert {word: crawled.heard(word) for word in (GROUP, DRAFT)} == {GROUP: [], DRAFT: []}
    heard = crawled.heard(SIGNED_IN)
    assert {"/", f"/articles/{address(SIGNED_IN)}/", "/collections/", "/sitemap.xml", "/search/?q=lays+eggs"} <= set(
        heard
    )


def test_outsiders_with_another_group_and_a_role_elsewhere_hear_no_other(aviary, outsider):
    crawled = crawl(outsider, aviary)
    assert {word: crawled.heard(word) for word in (GROUP, DRAFT)} == {GROUP: [], DRAFT: []}


def test_members_of_the_group_hear_the_canary_of_their_group(aviary, operator):
    crawled = crawl(operator, aviary)
    assert crawled.heard(DRAFT) == []
    assert {"/", f"/articles/{address(GROUP)}/", "/sitemap.xml", "/search/?q=lays+eggs"} <= set(crawled.heard(GROUP))


def test_editors_hear_the_canary_of_a_draft_and_only_in_the_editor(aviary, editor):
    heard = crawl(editor, aviary).heard(DRAFT)
    assert f"/editor/articles/{aviary[2].pk}/" in heard
    assert [url for url in heard if not url.startswith("/editor/")] == []


def test_the_crawl_is_not_a_short_walk(aviary):
    crawled = crawl(None, aviary)
    assert {"/", "/collections/", "/search/", "/ask/", "/health/", "/robots.txt", "/sitemap.xml"} <= set(crawled.pages)
    assert len(crawled.pages) < MOST_PAGES


def test_an_address_that_leads_to_a_hidden_article_is_like_one_that_leads_nowhere(client, aviary):
    for word in CANARIES:
        for url in (f"/articles/about-{word}/", f"/articles/{address(word)}/"):
            assert client.get(url).status_code == 404
            assert client.post(url + "feedback/", {"helped": "yes"}).status_code == 404


def test_an_answer_sings_only_to_those_who_may_read_its_sources(aviary, reader, outsider):
    crawled = Crawl(signed_in_as(reader))
    answer = crawled.ask("Where does the bird that lays eggs nest, and in which tree?")
    assert crawled.heard(SIGNED_IN) == [answer]
    assert crawled.heard(GROUP) == []
    for client in (Client(), signed_in_as(outsider)):
        crawled = Crawl(client)
        crawled.visit(answer)
        assert {word: crawled.heard(word) for word in (GROUP, DRAFT)} == {GROUP: [], DRAFT: []}
    stranger = Crawl(Client())
    stranger.visit(answer)
    stranger.ask("Where does the bird that lays eggs nest, and in which tree?")
    assert stranger.heard(SIGNED_IN) == []


def signed_in_as(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_an_archived_article_is_silent_with_the_click(aviary, reader):
    publishing.archive(aviary[0], by=None)
    assert crawl(reader, aviary).heard(SIGNED_IN) == []


def test_a_deleted_article_is_gone_to_its_readers_and_never_was_to_others(aviary, reader, operator):
    addresses = [f"/articles/about-{GROUP}/", f"/articles/{address(GROUP)}/"]
    deleting.delete(aviary[1], by=None)
    assert crawl(reader, aviary).heard(GROUP) == []
    member = crawl(operator, aviary)
    member.visit(addresses[1])
    assert sorted(member.heard(GROUP)) == addresses
    assert member.heard(DRAFT) == []
    Deletion.objects.update(at=timezone.now() - datetime.timedelta(days=31))
    assert deleting.purge() == 1
    for person, status in ((reader, 404), (operator, 410)):
        client = signed_in_as(person)
        assert [client.get(url).status_code for url in addresses] == [status, status]
    assert Client().get(addresses[0]).status_code == 404


def test_a_narrowed_audience_holds_with_the_click(aviary, reader, operators):
    publishing.arrange(aviary[0], by=None, audience=operators)
    assert crawl(reader, aviary).heard(SIGNED_IN) == []
