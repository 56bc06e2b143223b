"""HTML and Word documents keep their structure, call nobody, and hurt nobody."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from kb import converting
from kb.converting import ConversionError, Converter, process
from kb.models import Article
from tests.importing import documents

# One child process for all files, since each start costs seconds. It tells who opened a connection or asked for a name.
CHILD = """
import json, sys
from pathlib import Path
called = []
def watch(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "subprocess.Popen"}:
        called.append(f"{event} {arguments!r}")
sys.addaudithook(watch)
from kb.converting import child
made = {}
for name in sys.argv[1:]:
    made[Path(name).name] = child.reader(Path(name).suffix)(Path(name))[0]
print(json.dumps({"called": called, "made": made}))
"""


@pytest.fixture(scope="module")
def converted(tmp_path_factory) -> dict:
    """What came of several documents, read where there is no network at all (as root), and whom the process called."""
    folder: Path = tmp_path_factory.mktemp("documents")
    (folder / "page.html").write_text(documents.HTML)
    (folder / "latin.html").write_bytes("<h1>Café</h1><p>Größe für alle in der Straße.</p>".encode("latin-1"))
    (folder / "deep.html").write_text(documents.DEEP)
    documents.word(folder / "page.docx")
    alone = ["unshare", "--net"] if sys.platform == "linux" and os.geteuid() == 0 else []
    done = subprocess.run(
        [*alone, sys.executable, "-c", CHILD, *sorted(map(str, folder.iterdir()))],
        capture_output=True,
        cwd=settings.BASE_DIR,
        env=converting.environment() | {"HOME": str(folder)},
        check=False,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) | {"alone": bool(alone)}


def test_html_keeps_headings_lists_tables_and_code_and_loses_its_scripts(converted):
    assert converted["made"]["page.html"] == documents.HTML_AS_MARKDOWN


def test_word_keeps_headings_lists_and_tables(converted):
    assert converted["made"]["page.docx"] == documents.WORD_AS_MARKDOWN


def test_an_old_encoding_is_recognised(converted):
    assert converted["made"]["latin.html"] == "# Café\n\nGröße für alle in der Straße.\n"


def test_html_nested_too_deeply_gives_nothing_rather_than_a_crash(converted):
    assert converted["made"]["deep.html"] == ""


def test_reading_documents_calls_nobody(converted):
    assert converted["called"] == []


def test_reading_documents_works_without_any_network(converted):
    if not converted["alone"]:
        pytest.skip("Only root on Linux can take the network away (unshare --net).")
    assert converted["made"]["page.html"]


def test_the_child_is_told_no_secret(monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "a secret")
    monkeypatch.setenv("DATABASE_URL", "postgres://somebody:secret@localhost/kb")
    assert "secret" not in str(converting.environment())


@pytest.mark.django_db
def test_documents_become_articles_with_their_own_titles(write, run, folder):
    write("page.html", documents.HTML)
    documents.word(folder / "word-file.docx")
    write("deep.html", documents.DEEP)
    report = run().as_dict()
    assert report["created"] == 2
    assert report["failed"] == [{"path": "deep.html", "reason": "No text was found in the file."}]
    titles = dict(Article.objects.values_list("external_id", "latest_version__title"))
    assert titles == {"page.html": "Restore a version", "word-file.docx": "Restore a version"}
    source = Article.objects.get(external_id="page.html").latest_version.source
    assert source == documents.HTML_AS_MARKDOWN.partition("\n\n")[2].rstrip("\n")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"no zip", "The file is not a DOCX document: it is no zip archive."),
        (
            documents.archive(notes__txt=b"hello"),
            "The file is not a DOCX document: it is a zip archive of something else.",
        ),
    ],
)
def test_what_is_no_word_document_is_refused_before_it_is_opened(content, reason):
    with pytest.raises(ConversionError) as caught, Converter() as converter:
        converter.convert(content, ".docx")
    assert str(caught.value) == reason


def test_half_a_word_document_is_refused(tmp_path):
    data = documents.word(tmp_path / "a.docx").read_bytes()[:10_000]
    with pytest.raises(ConversionError, match="it is no zip archive"), Converter() as converter:
        converter.convert(data, ".docx")


def test_a_bomb_is_refused_before_it_is_opened():
    assert len(documents.bomb()) < 1_000_000
    with pytest.raises(ConversionError, match="The document unzips to 300,000,008 bytes, far more than a text"):
        Converter().convert(documents.bomb(), ".docx")


def test_a_file_that_takes_too_long_is_given_up_and_the_next_one_is_read(monkeypatch):
    with Converter() as converter:
        monkeypatch.setattr(process, "SECONDS", 0.0)
        with pytest.raises(ConversionError, match="took longer than"):
            converter.convert(documents.pdf(["Never read."]), ".pdf")
        monkeypatch.setattr(process, "SECONDS", 30.0)
        first, second = (converter.convert(documents.pdf([text]), ".pdf").text for text in ("One.", "Two."))
    assert (first, second) == ("One.\n", "Two.\n")


def test_a_large_parent_does_not_make_its_child_look_too_large():
    """Linux counts the peak of a process from that of its parent: a child that ended by it lost the next file."""
    ballast = b"x" * 800_000_000
    with Converter() as converter:
        made = [converter.convert(documents.pdf([text]), ".pdf").text for text in ("One.", "Two.")]
        assert converter.child is not None
    assert made == ["One.\n", "Two.\n"]
    assert ballast
