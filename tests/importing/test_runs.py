"""An import in the background: looked at first, written once, gone on with after its worker was killed."""

import os
import signal
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models.functions import Now

from kb import publishing
from kb.importing import Options, orders, packed, runs
from kb.models import Article, ArticleVersion, ImportArchive, ImportFile, ImportRun
from kb.publishing import Content
from tests import factories
from tests.index.chaos.workers import database, wait_until

pytestmark = pytest.mark.django_db

FILES = [("one.md", b"# One\n\nSee [two](two.md)."), ("two.md", b"# Two\n\nText."), ("bad.md", b"\xff")]
# Works on an import as a worker does, and is killed in the middle of a file.
WORKER = """
import sys, time
import django
django.setup()
from kb.importing import orders, runs
write = runs.write_file
def slowly(file, *arguments):
    write(file, *arguments)
    if file.path == "f05.md":
        print("in the middle", flush=True)
        time.sleep(60)
runs.write_file = slowly
runs.work(int(sys.argv[1]))
"""


def worked(run: ImportRun) -> ImportRun:
    """Work on an import until it waits for a person, or is over."""
    for _ in range(20):
        run.refresh_from_db()
        if not run.is_at_work:
            return run
        runs.work(run.pk)
    raise AssertionError(f"still {run.state}")


def requested(files, collection, by, **options) -> ImportRun:
    return orders.request(packed(files), "upload.zip", Options(collection, by=by, **options))


def outcomes(run: ImportRun) -> dict[str, tuple[str, str]]:
    return {file.path: (file.state, file.outcome) for file in run.files.all()}


def test_nothing_is_written_before_somebody_has_looked_and_everything_after(collection, publisher):
    run = worked(requested(FILES, collection, publisher, publish=True))
    assert (run.state, Article.objects.count()) == ("planned", 0)
    assert outcomes(run) == {"one.md": ("read", "created"), "two.md": ("read", "created"), "bad.md": ("failed", "")}
    assert run.files.get(path="bad.md").reason == "The file is not UTF-8 (byte 0): save it as UTF-8."
    assert run.files.get(path="one.md").source == "See [two](/articles/two/)."

    orders.begin(run)
    run = worked(run)
    assert run.state == "done"
    assert outcomes(run) == {"one.md": ("done", "created"), "two.md": ("done", "created"), "bad.md": ("failed", "")}
    article = Article.objects.get(slug="one")
    assert (article.latest_version.author, article.state, article.owner) == (publisher, "published", publisher)
    assert not ImportArchive.objects.exists()


def test_the_plan_of_known_articles_says_what_changes(collection, publisher):
    for _ in range(2):
        run = worked(requested(FILES, collection, publisher))
        orders.begin(run)
        worked(run)
    assert outcomes(run)["one.md"] == ("done", "unchanged")
    run = worked(requested([("one.md", b"---\ntags: [new]\n---\n# One\n\nOther.")], collection, publisher))
    file = run.files.get()
    assert (file.outcome, file.changes, file.based_on) == ("changed", ["text", "tags: new"], 1)


def test_what_somebody_saved_after_the_look_is_not_overwritten(collection, publisher):
    worked(begun(worked(requested(FILES, collection, publisher))))
    run = worked(requested([("one.md", b"# One\n\nImported.")], collection, publisher))
    article = Article.objects.get(slug="one")
    publishing.save(article, Content("One", "Typed meanwhile."), by=publisher, based_on=1)
    run = worked(begun(run))
    assert run.files.get().reason == "Somebody saved version 2 meanwhile: import it again, and look at the difference."
    article.refresh_from_db()
    assert article.latest_version.source == "Typed meanwhile."


def begun(run: ImportRun) -> ImportRun:
    orders.begin(run)
    return run


def test_another_collection_is_compared_anew(collection, editor):
    run = worked(requested(FILES, None, editor))
    assert "names no collection" in run.files.get(path="one.md").reason
    orders.look_again(run, Options(collection, by=editor))
    run = worked(run)
    assert outcomes(run) == {"one.md": ("read", "created"), "two.md": ("read", "created"), "bad.md": ("failed", "")}


def test_a_file_learns_nothing_of_a_collection_in_which_its_sender_has_no_role(collection, outsider):
    factories.article("Secret", "Not for outsiders.", collection=collection, external_id="a.md")
    run = worked(requested([("a.md", b"---\ncollection: Guides\n---\n# A\n\nText.")], None, outsider))
    file = run.files.get()
    assert file.reason == "You have no collection “Guides”: have it made first, or choose one for the import."
    assert (file.article, file.outcome) == (None, "")


def test_without_the_role_nothing_is_published(collection, author):
    run = worked(begun(worked(requested(FILES[1:2], collection, author, publish=True))))
    assert run.files.get().reason == "Your role in “Guides” does not allow this (publish)."
    assert not Article.objects.exists()


def test_an_audience_of_the_file_needs_the_role_to_choose_it(collection, author, signed_in):
    run = worked(begun(worked(requested([("a.md", b"---\naudience: signed-in\n---\n# A")], collection, author))))
    assert run.files.get().reason == "Your role in “Guides” does not allow this (publish)."


def test_cancelled_means_that_nothing_more_is_written(collection, publisher):
    run = worked(requested(FILES, collection, publisher))
    runs.cancel(run)
    with pytest.raises(ValidationError, match="This import is not ready: cancelled"):
        orders.begin(run)
    assert runs.work(run.pk) == "taken"
    assert not ImportArchive.objects.exists()


def test_who_was_overtaken_writes_nothing(collection, publisher):
    run = begun(worked(requested(FILES, collection, publisher)))
    held = runs.claim(run.pk)
    ImportRun.objects.filter(pk=run.pk).update(lease_until=Now())
    other = runs.claim(run.pk)
    with pytest.raises(runs.Lost):
        runs.advance(held)
    assert not Article.objects.exists()
    assert other.token != held.token


def test_a_file_that_ends_its_worker_three_times_is_given_up(collection, publisher):
    run = requested(FILES, collection, publisher)
    ImportFile.objects.filter(path="two.md").update(attempts=3)
    run = worked(run)
    assert run.files.get(path="two.md").reason == ("The worker ended 3 times in a row while it worked on this file.")
    assert outcomes(run)["one.md"] == ("read", "created")


def test_a_person_keeps_only_so_many_imports_open(collection, publisher):
    for _ in range(orders.OPEN_RUNS):
        requested(FILES[:1], collection, publisher)
    with pytest.raises(ValidationError, match="finish or cancel one first"):
        requested(FILES[:1], collection, publisher)


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(120)
def test_after_its_worker_was_killed_an_import_goes_on_and_does_nothing_twice(collection, publisher):
    files = [(f"f{number:02}.md", f"# Title {number}\n\nText {number}.".encode()) for number in range(12)]
    run = begun(worked(requested(files, collection, publisher)))
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(run.pk)],
        cwd=settings.BASE_DIR,
        env={**os.environ, **database(), "DJANGO_SETTINGS_MODULE": "portal.settings"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert worker.stdout.readline() == "in the middle\n"
    os.kill(worker.pid, signal.SIGKILL)
    worker.communicate()
    wait_until(lambda: run.files.filter(state="done").count() == 5, 10, "its transaction is not rolled back")
    assert runs.work(run.pk) == "taken", "its lease has not ended"
    ImportRun.objects.filter(pk=run.pk).update(lease_until=Now())

    assert worked(run).state == "done"

    assert set(outcomes(run).values()) == {("done", "created")}
    assert Article.objects.count() == ArticleVersion.objects.count() == 12
