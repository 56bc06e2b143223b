"""What is noted of links when a version is written, and what is found to be wrong over all articles."""

import pytest

from kb import comparing, mending, outlining, publishing
from kb.models import Article, Comparison, Likeness, Link, Outline
from kb.publishing import Content
from tests import factories

pytestmark = pytest.mark.django_db

PICTURE = "0123456789abcdef" * 2
SAME = (
    "Open the history of the article, choose the version you want back, press the button Restore, and then publish it. "
    "Nothing is removed, since restoring only makes another version with the text of an old one, and readers still get"
    " what they got before until somebody with that role has looked at the new draft and published it again."
)


def links(article):
    return list(article.latest_version.links.order_by("pk").values_list("kind", "slug", "anchor", "words", "line"))


def told(user, articles=None):
    """(slug of the article, address, problem), in the order of the page."""
    rows = mending.broken(articles or Article.objects.editable_by(user), user)
    return [(row.version.article.slug, row.address, row.problem) for row in rows]


def test_links_and_anchors_of_a_version_are_noted_with_it(collection, settings):
    settings.SITE_URL = "https://help.example.org"
    article = factories.article(
        "Links",
        "# Top\n\n[one](/articles/one/#s-a) and\n[two](../two/) [here](#next-steps)\n\n## Next steps\n\n"
        "* [shelf](/collections/guides)\n* [away](https://elsewhere.example/articles/one/)\n"
        "* <https://help.example.org/articles/three/>\n"
        f"* [file](setup.md) ![cat](/images/{PICTURE}/cat-8x8.png) ![old](/media/old.png)\n\n"
        "`[code](/articles/no/)` [mail](mailto:a@example.org) [ours](/search/?q=x)",
    )
    assert article.latest_version.outline.anchors == ["s-top", "s-next-steps"]
    assert links(article) == [
        ("article", "one", "s-a", "one", 3),
        ("article", "two", "", "two", 4),
        ("here", "", "s-next-steps", "here", 4),
        ("collection", "guides", "", "shelf", 8),
        ("article", "three", "", "https://help.example.org/articles/three/", 10),
        ("nowhere", "", "", "file", 11),
        ("image", PICTURE, "", "cat", 11),
    ]


def test_each_kind_of_broken_link_is_named(collection, article, signed_in, editor, index):
    factories.article("Draft", published=False)
    factories.article("Narrow", audience=signed_in)
    factories.article(
        "Source",
        "[good](/articles/restore-an-older-version/#s-steps) [b](/articles/restore-an-older-version/#b-3)\n"
        "[gone](/articles/gone/) [anchor](/articles/restore-an-older-version/#steps) [draft](/articles/draft/)\n"
        "[narrow](/articles/narrow/) [shelf](/collections/none/) [here](#s-none) [file](a.md)\n"
        f"![](/images/{PICTURE}/cat-8x8.png)",
    )
    index()
    assert told(editor) == [
        ("source", "/articles/gone/", "missing"),
        ("source", "/articles/restore-an-older-version/#steps", "anchor"),
        ("source", "/articles/draft/", "unpublished"),
        ("source", "/articles/narrow/", "narrower"),
        ("source", "/collections/none/", "collection"),
        ("source", "#s-none", "anchor"),
        ("source", "a.md", "nowhere"),
        ("source", f"/images/{PICTURE}/cat-8x8.png", "image"),
    ]


def test_a_link_to_a_former_address_is_whole(article, editor, publisher):
    factories.article("Source", "[x](/articles/restore-an-older-version/#s-steps)")
    publishing.arrange(article, by=publisher, slug="bring-back")
    assert told(editor) == []


def test_a_link_that_a_draft_mends_stays_broken_until_it_is_published(collection, editor, index):
    source = factories.article("Source", "[x](/articles/gone/)")
    index()
    publishing.save(source, Content("Source", "mended"), by=editor, based_on=1)
    assert told(editor) == [("source", "/articles/gone/", "missing")]
    index()
    publishing.publish(source, by=editor)
    assert told(editor) == []


def test_an_article_one_may_not_know_of_is_as_good_as_none(collection, operators, outsider, publisher, admin):
    factories.article("Secret", collection=factories.collection("Vault"), audience=operators)
    source = factories.article("Source", "[x](/articles/secret/) [y](/articles/nothing/)")
    assert [problem for _, _, problem in told(publisher)] == ["missing", "missing"]
    assert mending.problems(source.latest_version, publisher).filter(aim__isnull=False).count() == 0
    assert [problem for _, _, problem in told(admin)] == ["unpublished", "missing"]
    assert told(outsider) == []


@pytest.mark.parametrize(
    ("source", "target", "problem"),
    [
        ("everyone", "signed_in", "narrower"),
        ("signed_in", "everyone", ""),
        ("signed_in", "operators", "narrower"),
        ("operators", "signed_in", ""),
        ("operators", "both", ""),
        ("both", "operators", "narrower"),
    ],
)
def test_a_link_to_a_narrower_audience_is_found(source, target, problem, request, collection, editor, index):
    def named(name):
        return factories.audience("groups", "Operators", "Night") if name == "both" else request.getfixturevalue(name)

    factories.article("Target", audience=named(target))
    linking = factories.article("Source", "[x](/articles/target/)", audience=named(source))
    index()
    editor.groups.set([group for name in (source, target) for group in named(name).groups.all()])
    found = linking.latest_version.links.with_problems(editor).get()
    assert (found.problem, found.aim) == (problem, Article.objects.get(slug="target").pk)


def test_orphans_are_those_that_no_other_published_article_links_to(article, editor, publisher, index):
    one = factories.article("One", "[x](/articles/two/) [self](/articles/one/)")
    two = factories.article("Two", "[x](/articles/restore-an-older-version/)")
    factories.article("Draft", "[x](/articles/one/)", published=False)
    index()
    publishing.arrange(two, by=publisher, slug="second")
    assert list(mending.orphans(Article.objects.editable_by(editor))) == [one]


def test_equal_titles_are_found_in_one_language_among_what_one_may_know(article, publisher, operators, admin):
    factories.article("restore an OLDER version", collection=factories.collection("Vault"), audience=operators)
    factories.article("Restore an older version", language="de")
    assert mending.namesakes(Article.objects.editable_by(publisher), publisher) == []
    [found] = mending.namesakes(Article.objects.editable_by(admin), admin)
    assert [one.slug for one in found.articles] == ["restore-an-older-version", "restore-an-older-version-2"]


def test_passages_that_say_the_same_are_found_once_and_told_to_those_who_may_know(
    collection, operators, editor, publisher, outsider, admin, index
):
    factories.article("First", SAME)
    factories.article("Second", SAME + " Done.")
    factories.article("Third", SAME, collection=factories.collection("Vault"), audience=operators)
    index()
    assert comparing.compare() == 3
    assert comparing.compare() == 0
    assert Likeness.objects.count() == 3

    def pairs(user):
        found = mending.near_copies(Article.objects.editable_by(user), user)
        return {tuple(sorted((pair.one.live.slug, pair.other.live.slug))) for pair in found}

    assert pairs(publisher) == {("first", "second")}
    assert len(pairs(admin)) == 3
    assert pairs(outsider) == set()


def test_what_is_withdrawn_is_no_copy_and_is_compared_again_when_it_comes_back(collection, editor, index):
    first, second = factories.article("First", SAME), factories.article("Second", SAME)
    index()
    publishing.unpublish(second, by=editor)
    assert (comparing.compare(), Likeness.objects.count()) == (1, 0)
    publishing.publish(second, by=editor)
    index()
    assert (comparing.compare(), Likeness.objects.count()) == (1, 1)
    publishing.unpublish(first, by=editor)
    assert mending.near_copies(Article.objects.all(), editor) == []
    comparing.compare()
    assert (Comparison.objects.count(), Likeness.objects.count()) == (1, 0)


def test_versions_from_before_are_noted_in_the_background_and_old_ones_forgotten(article, publisher):
    publishing.save(article, Content("A", "[x](/articles/gone/)"), by=publisher, based_on=1)
    publishing.save(article, Content("A", "[y](/articles/gone/)"), by=publisher, based_on=2)
    Outline.objects.filter(version=article.latest_version).update(rules=0)
    Link.objects.filter(version=article.latest_version).delete()
    assert outlining.catch_up() == 1
    assert outlining.catch_up() == 0
    assert list(Outline.objects.order_by("version__number").values_list("version__number", flat=True)) == [1, 3]
    assert list(Link.objects.values_list("words", flat=True)) == ["y"]
