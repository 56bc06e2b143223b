"""Pages for machines."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from kb.models import IndexJob
from tests import factories

pytestmark = pytest.mark.django_db


def test_health_is_well(client, db):
    response = client.get("/health/")
    assert response.status_code == 200
    assert response.json() == {"status": "ok", "database": "ok", "indexing": "ok"}


def test_health_says_when_indexing_is_late(client, db):
    factories.article("Waiting")
    IndexJob.objects.update(requested=Now() - timedelta(minutes=6))
    assert client.get("/health/").json()["indexing"] == "late"


def test_health_is_not_well_without_a_database(client, db, settings, monkeypatch):
    from django.db import OperationalError

    from kb.models import IndexJob as jobs

    def out_of_reach(*args, **kwargs):
        raise OperationalError("connection refused")

    monkeypatch.setattr(jobs.objects, "filter", out_of_reach)
    response = client.get("/health/")
    assert response.status_code == 503
    assert response.json()["database"] == "out of reach"


def test_robots_keep_out_of_what_is_private_and_learn_of_the_sitemap(client):
    text = client.get("/robots.txt").content.decode()
    assert "Disallow: /editor/" in text
    assert "Disallow: /answers/" in text
    assert "Sitemap: http://testserver/sitemap.xml" in text


def test_the_sitemap_lists_what_everyone_may_read(client, article, index, signed_in):
    factories.article("Closed", audience=signed_in)
    index()
    text = client.get("/sitemap.xml").content.decode()
    assert "<loc>http://testserver/articles/restore-an-older-version/</loc>" in text
    assert "closed" not in text
