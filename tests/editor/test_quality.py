"""The pages about search quality: sets, cases, runs."""

import io
import json
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from kb import publishing
from kb.evaluation import cases as measuring
from kb.evaluation import load, running
from kb.models import EvaluationCase, EvaluationRun, EvaluationSet
from portal.editor.quality_urls import urlpatterns
from tests import factories

pytestmark = pytest.mark.django_db
INDEX = reverse("editor_quality")
NEW = reverse("editor_case_create")
WRITES = ["editor_quality_run", "editor_question_dismiss"]


@pytest.fixture
def chosen(article):
    made = EvaluationSet.objects.create(name="Help center")
    factories.case(made, "restore an older version", article)
    return made


@pytest.fixture
def secret(chosen, index, operators):
    """A case about an article of a collection that only its own editors know."""
    where = factories.collection("Vault", kind="groups", groups=("Operators",))
    article = factories.article("Obsidian vault", collection=where, audience=operators)
    index()
    return factories.case(chosen, "obsidian vault", article, audience=operators)


def measured(chosen):
    return measuring.measure(EvaluationRun.objects.create(set=chosen), progress=lambda steps, _name: steps)


def address(pattern, case):
    pk = case.pk if pattern.name in ("editor_case", "editor_case_delete") else case.set_id
    return reverse(pattern.name, kwargs=dict.fromkeys(pattern.pattern.converters, pk))


@pytest.mark.parametrize("pattern", urlpatterns, ids=lambda pattern: pattern.name)
def test_only_people_with_a_role_get_in(pattern, chosen, reader, client, client_of):
    where = address(pattern, chosen.cases.get())
    for method in ("get", "post"):
        response = getattr(client, method)(where)
        assert response.status_code == 302
        assert response.url.startswith(reverse("account_login"))
        assert getattr(client_of(reader), method)(where).status_code == 403


@pytest.mark.parametrize("name", WRITES)
def test_what_changes_something_refuses_get(name, chosen, editor, client_of):
    pattern = next(pattern for pattern in urlpatterns if pattern.name == name)
    assert client_of(editor).get(address(pattern, chosen.cases.get())).status_code == 405


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("name", ["editor_case", "editor_case_delete"])
def test_a_case_about_an_article_somebody_may_not_see_does_not_exist(name, method, secret, author, outsider, client_of):
    where = reverse(name, args=[secret.pk])
    assert [getattr(client_of(person), method)(where).status_code for person in (author, outsider)] == [404, 404]
    assert EvaluationCase.objects.filter(pk=secret.pk).exists()


def test_no_page_tells_of_a_hidden_case(secret, chosen, author, admin, client_of):
    measured(chosen)
    where = reverse("editor_quality_set", args=[chosen.pk])
    pages = [INDEX, where, reverse("editor_quality_export", args=[chosen.pk])]
    for page in pages:
        assert b"bsidian" not in client_of(author).get(page).content
    shown = client_of(author).get(where).content.decode()
    assert "1 more case about articles that you may not see" in shown
    assert "Obsidian vault" in client_of(admin).get(where).content.decode()


def test_figures_are_those_of_the_cases_somebody_may_see(chosen, secret, author, admin, client_of, article):
    EvaluationCase.objects.filter(pk=secret.pk).update(question="restore an older version")  # not its article
    measured(chosen)
    mine = client_of(author).get(INDEX).context["rows"][0]
    assert (mine.cases, mine.figures["p@1"]) == (1, 1.0)
    every = client_of(admin).get(INDEX).context["rows"][0]
    assert (every.cases, every.figures["p@1"]) == (2, 0.5)


def test_an_empty_list_says_how_to_begin(editor, client_of):
    assert "No evaluation set yet" in client_of(editor).get(INDEX).content.decode()


def test_a_case_is_written_into_a_first_set_of_its_own(article, editor, client_of):
    sent = {"question": "how do I  restore it", "article_1": article.slug, "grade_1": "2.0", "note": "asked a lot"}
    response = client_of(editor).post(NEW, sent)
    case = EvaluationCase.objects.get()
    assert response.url == case.set.get_absolute_url()
    assert (case.set.name, case.question, case.origin, case.by) == (
        "Help center", "how do I restore it", "written", editor,
    )  # fmt: skip
    assert list(case.rights.values_list("article", "grade")) == [(article.pk, 2.0)]


@pytest.mark.parametrize(
    "typed", ["Restore an Older Version", "https://help.example/articles/restore-an-older-version/"]
)
def test_an_article_may_be_named_by_its_title_or_a_link(typed, article, editor, client_of):
    client_of(editor).post(NEW, {"question": "restore", "article_1": typed})
    assert EvaluationCase.objects.get().rights.get().article == article


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"question": "restore"}, "Name the article that should come up."),
        ({"question": "restore", "article_1": "obsidian-vault"}, "You have no article with the address or title"),
        ({"question": "", "article_1": "restore-an-older-version"}, "This field is required."),
        ({"question": "a\0b", "article_1": "restore-an-older-version"}, "Null characters are not allowed."),
        ({"question": "x" * 2001, "article_1": "restore-an-older-version"}, "at most 2000 characters"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(sent, said, chosen, secret, author, client_of):
    response = client_of(author).post(NEW, sent)
    assert response.status_code == 422
    assert said in response.content.decode()
    assert EvaluationCase.objects.count() == 2


def test_nobody_asks_with_eyes_that_are_not_theirs(chosen, article, operators, author, client_of):
    sent = {"question": "restore", "article_1": article.slug, "audience": operators.pk}
    response = client_of(author).post(NEW, sent)
    assert response.status_code == 422
    assert "Select a valid choice" in response.content.decode()


def test_a_case_is_changed(chosen, author, client_of, collection):
    other = factories.article("Another thing", collection=collection)
    case = chosen.cases.get()
    where = reverse("editor_case", args=[case.pk])
    assert "restore an older version" in client_of(author).get(where).content.decode()
    sent = {"question": "another", "article_1": other.slug, "grade_1": "1.0", "set": chosen.pk}
    assert client_of(author).post(where, sent).status_code == 302
    case.refresh_from_db()
    assert (case.question, [right.article for right in case.rights.all()]) == ("another", [other])


def test_a_case_is_deleted_after_a_question(chosen, author, client_of):
    where = reverse("editor_case_delete", args=[chosen.cases.get().pk])
    assert "Delete this case?" in client_of(author).get(where).content.decode()
    assert chosen.cases.exists()
    assert client_of(author).post(where).url == chosen.get_absolute_url()
    assert not chosen.cases.exists()


def test_an_explained_search_becomes_a_case_with_one_click(article, editor, client_of):
    client = client_of(editor)
    page = client.get(reverse("editor_explain"), {"q": "bring it back", "article": article.slug}).content.decode()
    assert f'name="article_1" value="{article.slug}">This article should have come up' in page
    client.post(NEW, {"question": "bring it back", "audience": "", "origin": "search", "article_1": article.slug})
    assert EvaluationCase.objects.get().origin == "search"


# --- sets and runs


def test_a_set_is_made_once_per_name(editor, client_of):
    create = reverse("editor_quality_create")
    assert client_of(editor).get(create).status_code == 200
    assert client_of(editor).post(create, {"name": "Billing"}).status_code == 302
    assert (
        "There is a set called “billing” already."
        in client_of(editor).post(create, {"name": "billing"}).content.decode()
    )
    assert EvaluationSet.objects.count() == 1


def test_only_an_admin_deletes_a_set(chosen, editor, admin, client_of):
    where = reverse("editor_quality_delete", args=[chosen.pk])
    assert client_of(editor).post(where).status_code == 403
    assert "Its 1 cases" in client_of(admin).get(where).content.decode()
    assert client_of(admin).post(where).url == INDEX
    assert not EvaluationSet.objects.exists()


def test_a_run_is_asked_for_and_followed(chosen, editor, client_of):
    client = client_of(editor)
    assert client.post(reverse("editor_quality_run", args=[chosen.pk])).url == chosen.get_absolute_url()
    EvaluationRun.objects.update(state="running", asked=0, cases=1)
    part = client.get(chosen.get_absolute_url(), headers={"HX-Request": "true"}).content.decode()
    assert "Asking 0 of 1." in part
    assert 'hx-trigger="every 1s"' in part
    assert "<html" not in part
    measuring.measure(EvaluationRun.objects.get(), progress=lambda steps, _name: steps)
    part = client.get(chosen.get_absolute_url(), headers={"HX-Request": "true"}).content.decode()
    assert "hx-trigger" not in part.partition("<form")[0]
    assert "The run has ended." in part


def test_a_run_that_died_says_so_and_can_be_asked_for_again(chosen, editor, client_of):
    EvaluationRun.objects.create(set=chosen, state="running", asked=3, beat="2020-01-01T00:00Z")
    page = client_of(editor).get(chosen.get_absolute_url()).content.decode()
    assert "The last run stopped moving at case 3" in page
    assert "Run now" in page


def test_a_set_shows_the_rank_at_each_stage_and_what_was_left_out(chosen, editor, client_of):
    factories.case(chosen, "a draft?", factories.article("Draft of something", published=False))
    measured(chosen)
    response = client_of(editor).get(chosen.get_absolute_url())
    assert response.context["rows"][0]["ranks"] == [1, 1, 1, 1]
    assert "“Draft of something” is not published." in response.content.decode()
    assert [name for name, _ in response.context["figures"]] == ["By words", "By meaning", "Both together", "Reranked"]


def test_a_run_that_failed_tells_nobody_of_hidden_cases(secret, chosen, author, admin, client_of):
    chosen.cases.exclude(pk=secret.pk).delete()
    publishing.unpublish(secret.rights.get().article, by=None)
    run = EvaluationRun.objects.create(set=chosen)
    running.execute(run.pk)
    where = chosen.get_absolute_url()
    page = client_of(author).get(where).content.decode()
    assert "The last run failed: This set holds no case that can be asked." in page
    assert "bsidian" not in page
    assert "“Obsidian vault” is not published" in client_of(admin).get(where).content.decode()


def test_two_runs_side_by_side_tell_what_got_worse(chosen, index, editor, client_of):
    old = measured(chosen)
    factories.article("Restore an older version", "Restore an older version.")
    index()
    new = measured(chosen)
    page = reverse("editor_quality_compare", args=[chosen.pk])
    context = client_of(editor).get(page, {"old": old.pk, "new": new.pk}).context
    assert [(case.question, before, after) for case, before, after in context["worse"]] == [
        ("restore an older version", 1, 2)
    ]
    assert (context["better"], context["settings"]) == ([], [])
    back = client_of(editor).get(page, {"old": new.pk, "new": old.pk}).context
    assert len(back["better"]) == 1
    assert client_of(editor).get(INDEX).context["rows"][0].difference < 0


@pytest.mark.parametrize("pair", [{}, {"old": "x", "new": "1"}])
def test_a_comparison_of_nothing_is_a_bad_request(pair, chosen, editor, client_of):
    assert client_of(editor).get(reverse("editor_quality_compare", args=[chosen.pk]), pair).status_code == 400


def test_a_run_of_another_set_is_not_compared(chosen, editor, client_of):
    run = measured(chosen)
    other = EvaluationSet.objects.create(name="Other")
    pair = {"old": run.pk, "new": run.pk}
    assert client_of(editor).get(reverse("editor_quality_compare", args=[other.pk]), pair).status_code == 404


# --- out and in


def test_an_export_is_a_folder_that_can_be_evaluated_and_comes_back_the_same(chosen, editor, client_of, tmp_path):
    client = client_of(editor)
    data = client.get(reverse("editor_quality_export", args=[chosen.pk])).content
    zipfile.ZipFile(io.BytesIO(data)).extractall(tmp_path)
    labelled = load(tmp_path)
    assert [(case.question, dict(case.grades)) for case in labelled.cases] == [
        ("restore an older version", {"restore-an-older-version": 1.0})
    ]
    assert [row["_id"] for row in labelled.corpus] == ["restore-an-older-version"]
    copy = EvaluationSet.objects.create(name="Copy")
    take = reverse("editor_quality_import", args=[copy.pk])
    response = client.post(take, {"upload": SimpleUploadedFile("set.zip", data)}, follow=True)
    assert "1 case was added; 0 were in the set already." in response.content.decode()
    case = copy.cases.get()
    assert (case.question, case.origin, case.rights.get().article.slug) == (
        "restore an older version", "import", "restore-an-older-version",
    )  # fmt: skip
    again = client.post(take, {"upload": SimpleUploadedFile("set.zip", data)}, follow=True)
    assert "0 cases were added; 1 were in the set already." in again.content.decode()


def test_two_files_are_as_good_as_a_zip_and_what_is_unknown_is_said(chosen, editor, client_of):
    rows = [
        {"_id": 1, "text": "an old text"},
        {"_id": 2, "text": "obsidian"},
        {"_id": 3, "text": "x", "audience": "Nobody"},
    ]
    queries = "\n".join(json.dumps(row) for row in rows).encode()
    qrels = b"query-id\tcorpus-id\tscore\n1\trestore-an-older-version\t3\n2\tno-such\t1\n3\tno-such\t1\n"
    files = [SimpleUploadedFile("queries.jsonl", queries), SimpleUploadedFile("qrels.tsv", qrels)]
    take = reverse("editor_quality_import", args=[chosen.pk])
    page = client_of(editor).post(take, {"upload": files}, follow=True).content.decode()
    assert "1 case was added" in page
    assert "“obsidian” has no right article, or one that you do not have: no-such." in page
    assert "“x” is asked as “Nobody”, and there is no such audience for you." in page
    assert chosen.cases.get(origin="import").rights.get().grade == 3.0


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("queries.jsonl", b'{"_id": 1, "text": "a"}', "qrels.tsv is missing"),
        ("set.zip", b"PK no zip at all", "set.zip cannot be unpacked"),
        ("photo.png", b"\x89PNG", "queries.jsonl and qrels.tsv is missing"),
        ("queries.jsonl", b"x" * 5_000_001, "queries.jsonl is larger than 5 MB"),
    ],
)
def test_a_bad_upload_is_explained(name, data, said, chosen, editor, client_of):
    take = reverse("editor_quality_import", args=[chosen.pk])
    response = client_of(editor).post(take, {"upload": SimpleUploadedFile(name, data)})
    assert response.status_code == 422
    assert said in response.content.decode()


@pytest.mark.parametrize("broken", [b"not json", b"[1]", b'{"text": "no id"}', b"\xff\xfe", b'"x"'])
def test_questions_that_are_none_are_explained(broken, chosen, editor, client_of):
    files = [SimpleUploadedFile("queries.jsonl", broken), SimpleUploadedFile("qrels.tsv", b"a\tb\tc\n")]
    response = client_of(editor).post(reverse("editor_quality_import", args=[chosen.pk]), {"upload": files})
    assert response.status_code == 422
    assert chosen.cases.count() == 1


@pytest.mark.parametrize("score", ["x", "inf"])
def test_grades_that_are_no_numbers_are_explained(score, chosen, editor, client_of):
    qrels = f"query-id\tcorpus-id\tscore\n1\trestore-an-older-version\t{score}\n".encode()
    files = [SimpleUploadedFile("queries.jsonl", b'{"_id": 1, "text": "a"}'), SimpleUploadedFile("qrels.tsv", qrels)]
    response = client_of(editor).post(
        reverse("editor_quality_import", args=[chosen.pk]), {"upload": files}, follow=True
    )
    assert response.status_code == 422
    assert chosen.cases.count() == 1


def test_an_earlier_address_of_an_article_still_names_it(chosen, article, editor, client_of):
    publishing.arrange(article, by=None, slug="bring-it-back")
    files = [
        SimpleUploadedFile("queries.jsonl", b'{"_id": "q", "text": "bring"}'),
        SimpleUploadedFile("qrels.tsv", b"query-id\tcorpus-id\tscore\nq\trestore-an-older-version\t1\n"),
    ]
    client_of(editor).post(reverse("editor_quality_import", args=[chosen.pk]), {"upload": files})
    assert chosen.cases.get(origin="import").rights.get().article == article
