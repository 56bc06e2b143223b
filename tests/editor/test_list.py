"""The list of articles: whose, which, how many, and how fresh."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from kb import freshness, outbox, publishing
from kb.errors import ProviderError
from kb.models import Article, Collection, IndexJob
from portal.models import User
from tests import factories

ClientOf = Callable[[User], Client]


def shown(client: Client, **filters: str) -> set[str]:
    response = client.get(reverse("editor_articles"), filters)
    return {article.title for article in response.context["page"].object_list}


def test_only_articles_of_ones_own_collections_are_listed(
    article: Article, author: User, outsider: User, client_of: ClientOf
) -> None:
    factories.article("Something else", collection=Collection.objects.get(name="Elsewhere"))

    assert shown(client_of(author)) == {"Restore an older version"}
    assert shown(client_of(outsider)) == {"Something else"}


def test_a_row_says_state_audience_version_and_who(article: Article, editor: User, client_of: ClientOf) -> None:
    publishing.save(article, publishing.Content("Restore it", "New."), by=editor, based_on=1)

    page = client_of(editor).get(reverse("editor_articles")).content.decode()

    assert "Restore it" in page
    assert "Published</span>" in page
    assert "version 1</span>" in page
    assert '2<span class="sub">draft</span>' in page
    assert '<td role="cell" data-name="Changed">editor' in page


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"q": "older"}, {"Restore an older version"}),
        ({"q": "version older"}, {"Restore an older version"}),
        ({"q": "versions"}, {"Restore an older version"}),  # its tag
        ({"q": "100%"}, set()),
        ({"tag": "versions"}, {"Restore an older version"}),
        ({"tag": "version"}, set()),
        ({"state": "draft"}, {"An unfinished thing"}),
        ({"state": "archived"}, {"A forgotten thing"}),
        ({"state": "nonsense"}, {"Restore an older version", "An unfinished thing"}),
        ({"index": "fresh"}, {"Restore an older version"}),
        ({"index": "unpublished"}, {"An unfinished thing"}),
        ({"index": "failed"}, set()),
        ({"collection": "guides"}, {"Restore an older version", "An unfinished thing"}),
        ({"collection": "other"}, set()),
    ],
)
def test_filters_narrow_the_list(
    filters: dict[str, str], found: set[str], article: Article, editor: User, client_of: ClientOf
) -> None:
    factories.collection("Other")
    factories.article("An unfinished thing", published=False)
    publishing.archive(factories.article("A forgotten thing"), by=None)

    assert shown(client_of(editor), **filters) == found


def test_the_audience_filter_narrows_the_list(article: Article, editor: User, client_of: ClientOf) -> None:
    operators = factories.audience("groups", "Operators")
    factories.article("For operators", audience=operators)

    assert shown(client_of(editor), audience=str(operators.pk)) == {"For operators"}


def test_counts_stand_beside_the_states_and_follow_the_search(
    article: Article, editor: User, client_of: ClientOf
) -> None:
    factories.article("An unfinished thing", published=False)

    context = client_of(editor).get(reverse("editor_articles"), {"q": "unfinished"}).context

    assert {link["value"]: link["count"] for link in context["states"]} == {
        "": 1,
        "draft": 1,
        "published": 0,
        "archived": 0,
    }


def test_htmx_gets_the_rows_and_the_counts_but_not_the_page(
    article: Article, editor: User, client_of: ClientOf
) -> None:
    response = client_of(editor).get(reverse("editor_articles"), {"q": "older"}, headers={"HX-Request": "true"})

    page = response.content.decode()
    assert page.lstrip().startswith('<div id="articles">')
    assert 'id="filters" hx-swap-oob="true"' in page
    assert "<html" not in page


def test_links_of_the_list_keep_the_other_filters(article: Article, editor: User, client_of: ClientOf) -> None:
    page = client_of(editor).get(reverse("editor_articles"), {"q": "older", "state": "published"}).content.decode()

    assert "?q=older&amp;state=draft" in page
    assert "?q=older&amp;state=published&amp;index=fresh" in page


def test_pages_of_25(collection: Collection, editor: User, client_of: ClientOf) -> None:
    for number in range(26):
        factories.article(f"Article {number}", published=False, collection=collection)

    first = client_of(editor).get(reverse("editor_articles"))
    last = client_of(editor).get(reverse("editor_articles"), {"page": "99"})

    assert len(first.context["page"].object_list) == 25
    assert "1 to 25 of 26" in first.content.decode()
    assert "26 to 26 of 26" in last.content.decode()


def test_the_list_takes_as_many_queries_for_many_articles_as_for_one(
    article: Article, editor: User, client_of: ClientOf, django_assert_max_num_queries
) -> None:
    for number in range(8):
        factories.article(f"Article {number}")
    client = client_of(editor)
    client.get(reverse("editor_articles"))

    with django_assert_max_num_queries(16):
        client.get(reverse("editor_articles"))


def test_an_empty_list_leads_to_the_first_article(collection: Collection, editor: User, client_of: ClientOf) -> None:
    assert "Write the first article" in client_of(editor).get(reverse("editor_articles")).content.decode()


def test_filters_that_find_nothing_can_be_dropped(article: Article, editor: User, client_of: ClientOf) -> None:
    page = client_of(editor).get(reverse("editor_articles"), {"q": "zebra"}).content.decode()

    assert "No article fits these filters" in page


def test_a_failed_index_is_shown_with_its_reason_and_a_way_to_try_again(
    article: Article, editor: User, client_of: ClientOf
) -> None:
    publishing.save(article, publishing.Content("Restore it", "New text."), by=editor, based_on=1)
    publishing.publish(article, by=editor)
    outbox.put_back(outbox.claim(article.pk), ProviderError("no such model file", temporary=False))

    page = client_of(editor).get(reverse("editor_articles"), {"index": "failed"}).content.decode()
    assert "version 2 failed" in page
    assert "no such model file" in page

    response = client_of(editor).post(reverse("editor_retry", args=[article.pk]), {"next": "/editor/?index=failed"})
    assert response["Location"] == "/editor/?index=failed"
    assert IndexJob.objects.get(pk=article.pk).state == "queued"


def test_the_list_says_of_every_article_what_its_own_page_says(
    article: Article, editor: User, index: Callable[[], int]
) -> None:
    factories.article("A draft", published=False)
    publishing.archive(factories.article("Archived"), by=None)
    failing = factories.article("Failing")
    index_later = factories.article("On its way")
    outbox.put_back(outbox.claim(failing.pk), ProviderError("no such model file", temporary=False))
    changed = factories.article("Changed")
    publishing.save(changed, publishing.Content("Changed", "Twice."), by=None, based_on=1)

    words = {row.pk: row.index_word for row in freshness.with_words(Article.objects.all())}

    assert words == {row.pk: freshness.of(row).word for row in Article.objects.all()}
    assert (words[article.pk], words[failing.pk], words[index_later.pk]) == ("fresh", "failed", "indexing")


def test_trying_again_leads_nowhere_outside(article: Article, editor: User, client_of: ClientOf) -> None:
    response = client_of(editor).post(reverse("editor_retry", args=[article.pk]), {"next": "https://example.org/"})

    assert response["Location"] == reverse("editor_edit", args=[article.pk])
