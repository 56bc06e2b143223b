"""A whole real help center: 414 articles, imported, indexed, and imported again."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from kb import freshness
from kb.models import Article

ARTICLES = Path(settings.BASE_DIR).parent / "shared/data/arduino-help-center/articles"

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.timeout(400),
    pytest.mark.skipif(not ARTICLES.is_dir(), reason=f"the help center's articles are not at {ARTICLES}"),
]


def import_all() -> dict:
    out = StringIO()
    call_command("import_articles", ARTICLES, "--collection", "Arduino", "--publish", "--json", stdout=out)
    return json.loads(out.getvalue())


def test_a_real_help_center_is_imported_once_and_everything_is_fresh():
    report = import_all()
    assert (report["created"], report["changed"], report["unchanged"], report["failed"]) == (414, 0, 0, [])
    totals = freshness.totals()
    assert {name: totals[name] for name in ("articles", "fresh", "stale", "queued", "running", "failed")} == {
        "articles": 414, "fresh": 414, "stale": 0, "queued": 0, "running": 0, "failed": 0,
    }  # fmt: skip
    again = import_all()
    assert (again["created"], again["changed"], again["unchanged"], again["failed"]) == (0, 0, 414, [])
    assert set(Article.objects.values_list("latest_version__number", flat=True)) == {1}
