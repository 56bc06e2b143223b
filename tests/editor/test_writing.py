"""Write, save and publish an article; whatever goes wrong, the text that was typed comes back."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from kb import publishing
from kb.models import Article, Audience, Collection
from kb.publishing import Content
from portal.models import User
from tests import factories

ClientOf = Callable[[User], Client]
Typed = Callable[..., dict[str, Any]]
LONG = "x" * 500_001


def edit(article: Article) -> str:
    return reverse("editor_edit", args=[article.pk])


def new(collection: Collection, **changes: Any) -> dict[str, Any]:
    return {"title": "Set up mail", "source": "Do this.", "collection": collection.pk, "language": "en", **changes}


# --- a new article


def test_a_new_article_is_a_draft_of_its_collection(collection: Collection, author: User, client_of: ClientOf) -> None:
    sent = new(collection, summary="Mail in two steps.", tags="mail,  set up ,mail", note="First go")

    response = client_of(author).post(reverse("editor_create"), sent)

    made = Article.objects.get()
    assert response["Location"] == edit(made)
    assert (made.state, made.slug, made.tags) == ("draft", "set-up-mail", ["mail", "set up"])
    assert made.audience == collection.audience
    assert Content.of(made.latest_version) == Content("Set up mail", "Do this.", "Mail in two steps.", "en")
    assert (made.latest_version.author, made.latest_version.note) == (author, "First go")


def test_a_new_article_may_be_published_at_once(
    collection: Collection, publisher: User, client_of: ClientOf, index: Callable[[], int]
) -> None:
    client_of(publisher).post(reverse("editor_create"), new(collection, do="publish"))
    index()

    assert Article.objects.published().get().title == "Set up mail"


def test_the_form_offers_only_collections_in_which_one_may_write(
    collection: Collection, author: User, client_of: ClientOf
) -> None:
    factories.collection("Secret plans")

    page = client_of(author).get(reverse("editor_create")).content.decode()

    assert "Guides" in page
    assert "Secret plans" not in page


def test_the_collection_in_the_address_is_chosen(collection: Collection, editor: User, client_of: ClientOf) -> None:
    other = factories.collection("Other")

    form = client_of(editor).get(reverse("editor_create"), {"collection": "other"}).context["form"]

    assert form.initial["collection"] == other.pk


def test_an_author_is_offered_neither_audience_nor_publishing(
    collection: Collection, author: User, client_of: ClientOf
) -> None:
    page = client_of(author).get(reverse("editor_create")).content.decode()

    assert 'name="audience"' not in page
    assert ">Publish<" not in page
    assert ">Save draft<" in page


def test_an_author_who_publishes_anyway_is_refused_and_keeps_the_text(
    collection: Collection, author: User, client_of: ClientOf
) -> None:
    response = client_of(author).post(reverse("editor_create"), new(collection, do="publish"))

    assert response.status_code == 403
    assert "Do this." in response.content.decode()
    assert not Article.objects.exists()


def test_the_audience_of_a_new_article_is_for_publishers_of_its_collection(
    collection: Collection, author: User, operators: Audience, client_of: ClientOf
) -> None:
    """Somebody may publish in one collection and only write in another."""
    mine = factories.collection("Mine")
    author.memberships.create(role="publisher", collection=mine)

    refused = client_of(author).post(reverse("editor_create"), new(collection, audience=operators.pk))
    allowed = client_of(author).post(reverse("editor_create"), new(mine, audience=operators.pk))

    assert refused.status_code == 422
    assert "Only publishers of “Guides” choose who may read" in refused.content.decode()
    assert allowed.status_code == 302
    assert Article.objects.get().audience == operators


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("title", "  ", "An article needs a title."),
        ("title", "t" * 201, "at most 200"),
        ("source", LONG, "at most 500,000 are possible"),
        ("source", "a\0b", "Null characters are not allowed."),
        ("slug", "Not an address", "only small letters, digits and dashes"),
        ("slug", "taken", "Another article already has the address “taken”."),
        ("tags", "t" * 41, "at most 40 characters"),
        ("tags", ",".join(map(str, range(21))), "an article may have 20"),
        ("summary", "s" * 301, "at most 300"),
        ("collection", "999999", "not one of the available choices"),
        ("language", "xx", "xx is not one of the available choices"),
    ],
)
def test_what_is_wrong_stands_beside_the_field_and_the_text_comes_back(
    field: str, value: str, message: str, collection: Collection, author: User, client_of: ClientOf
) -> None:
    factories.article("Another", slug="taken", published=False)

    sent = {**new(collection), "title": "Typed title", "source": "Typed text.", field: value}
    response = client_of(author).post(reverse("editor_create"), sent)

    page = response.content.decode()
    assert response.status_code == 422
    assert message in page
    assert ("Typed title" if field == "source" else "Typed text.") in page
    assert Article.objects.count() == 1


def test_a_title_is_made_one_line_and_line_ends_are_made_the_same(
    collection: Collection, author: User, client_of: ClientOf
) -> None:
    client_of(author).post(reverse("editor_create"), new(collection, title="Two\r\n lines ", source="a\r\nb"))

    assert Content.of(Article.objects.get().latest_version) == Content("Two lines", "a\nb")


# --- an article that is there


def test_saving_a_draft_leaves_the_published_version_alone(
    article: Article, author: User, client_of: ClientOf, typed: Typed
) -> None:
    response = client_of(author).post(edit(article), typed(article, source="Better.", note="Shorter"), follow=True)

    article.refresh_from_db()
    assert "Version 2 saved." in response.content.decode()
    assert article.latest_version.number == 2
    assert (article.latest_version.author, article.latest_version.note) == (author, "Shorter")
    assert article.published_version.number == 1


def test_publishing_saves_and_publishes(
    article: Article, publisher: User, client_of: ClientOf, typed: Typed, index: Callable[[], int]
) -> None:
    response = client_of(publisher).post(edit(article), typed(article, source="Better.", do="publish"), follow=True)

    assert "Version 2 will be published when its index is ready." in response.content.decode()
    index()
    article.refresh_from_db()
    assert article.published_version.number == 2


def test_saving_without_a_change_makes_no_version(
    article: Article, author: User, client_of: ClientOf, typed: Typed
) -> None:
    response = client_of(author).post(edit(article), typed(article), follow=True)

    assert "Nothing was changed." in response.content.decode()
    assert article.versions.count() == 1


def test_where_an_article_stands_is_changed_without_a_version(
    article: Article, editor: User, client_of: ClientOf, typed: Typed, operators: Audience
) -> None:
    other = factories.collection("Other")
    sent = typed(article, collection=other.pk, audience=operators.pk, slug="moved", tags="a, b")

    response = client_of(editor).post(edit(article), sent, follow=True)

    article.refresh_from_db()
    assert (article.collection, article.audience, article.slug, article.tags) == (other, operators, "moved", ["a", "b"])
    assert article.versions.count() == 1
    assert "moved to Other; audience: Operators; address: moved; tags: a, b" in response.content.decode()


def test_who_only_changes_tags_is_in_nobodys_way(
    article: Article, author: User, editor: User, client_of: ClientOf, typed: Typed
) -> None:
    sent = typed(article, tags="new")
    publishing.save(article, Content("Restore it", "Theirs."), by=editor, based_on=1)

    response = client_of(author).post(edit(article), sent)

    article.refresh_from_db()
    assert response.status_code == 302
    assert (article.tags, article.latest_version.source) == (["new"], "Theirs.")


def test_an_author_cannot_change_the_audience(
    article: Article, author: User, client_of: ClientOf, typed: Typed, operators: Audience
) -> None:
    client_of(author).post(edit(article), typed(article, audience=operators.pk))

    article.refresh_from_db()
    assert article.audience.name == "everyone"


def test_an_author_who_publishes_an_edit_anyway_keeps_the_text_and_saves_nothing(
    article: Article, author: User, client_of: ClientOf, typed: Typed
) -> None:
    response = client_of(author).post(edit(article), typed(article, source="Mine.", do="publish"))

    assert response.status_code == 403
    assert "Mine." in response.content.decode()
    assert "Nothing was saved" in response.content.decode()
    assert article.versions.count() == 1


def test_moving_a_published_article_needs_the_publisher_role_there(
    article: Article, publisher: User, client_of: ClientOf, typed: Typed
) -> None:
    other = factories.collection("Other")
    publisher.memberships.create(role="author", collection=other)

    response = client_of(publisher).post(edit(article), typed(article, source="Mine.", collection=other.pk))

    article.refresh_from_db()
    assert response.status_code == 403
    assert "Your role in “Other” does not allow this" in response.content.decode()
    assert (article.collection.name, article.versions.count()) == ("Guides", 1)


def test_a_wrong_field_saves_nothing_at_all(article: Article, editor: User, client_of: ClientOf, typed: Typed) -> None:
    response = client_of(editor).post(edit(article), typed(article, source="Mine.", slug="Not an address"))

    assert response.status_code == 422
    assert "Mine." in response.content.decode()
    assert article.versions.count() == 1


def test_the_form_shows_the_article_as_it_is(article: Article, editor: User, client_of: ClientOf) -> None:
    page = client_of(editor).get(edit(article)).content.decode()

    assert "Restore an older version</textarea>" in page
    assert "Answers use version 1." in page
    assert "Choose a version.</li>" in page
    assert f"{article.latest_version.words_added} words" in page  # as the history counts them


def test_text_that_starts_with_an_empty_line_keeps_it(
    article: Article, author: User, client_of: ClientOf, typed: Typed
) -> None:
    client_of(author).post(edit(article), typed(article, source="\n    code"))

    page = client_of(author).get(edit(article)).content.decode()

    assert ">\n\n    code</textarea>" in page


def test_hostile_text_stays_text(article: Article, author: User, client_of: ClientOf, typed: Typed) -> None:
    text = '</textarea><script>alert(1)</script> <img src=x onerror=alert(1)> <b hx-get="/editor/">b</b>'
    client_of(author).post(edit(article), typed(article, title=text, source=text))

    page = client_of(author).get(edit(article)).content.decode()

    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "<b hx-get" not in page


# --- the preview


def test_the_preview_is_what_readers_will_see(editor: User, client_of: ClientOf) -> None:
    response = client_of(editor).post(
        reverse("editor_preview"), {"source": "## Steps\n\nOne *two*."}, headers={"HX-Request": "true"}
    )

    page = response.content.decode()
    assert "<em>two</em>" in page
    assert 'id="words" hx-swap-oob="true">3 words' in page
    assert "<html" not in page


def test_without_scripts_a_button_shows_the_preview_and_keeps_everything_typed(
    article: Article, author: User, client_of: ClientOf, typed: Typed
) -> None:
    response = client_of(author).post(
        edit(article), typed(article, source="One *two*.", note="Because", title="Typed", do="preview")
    )

    page = response.content.decode()
    assert response.status_code == 200
    assert "<em>two</em>" in page
    assert "One *two*.</textarea>" in page
    assert "Because" in page
    assert "Typed</textarea>" in page
    assert article.versions.count() == 1


def test_a_text_that_is_too_long_is_not_rendered_but_said(editor: User, client_of: ClientOf) -> None:
    response = client_of(editor).post(reverse("editor_preview"), {"source": LONG}, headers={"HX-Request": "true"})

    assert "an article may have 500,000" in response.content.decode()
