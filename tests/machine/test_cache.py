"""The cache table: what is set is got, by Django's own reader too, and old rows go."""

import pytest
from django.core.cache import cache
from django.core.cache.backends.db import DatabaseCache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from portal import cache as portal_cache

pytestmark = pytest.mark.django_db


@pytest.fixture(params=[0.0, 1.0], ids=["one statement", "with culling"])
def swept(request, monkeypatch):
    monkeypatch.setattr(portal_cache, "SWEPT", request.param)
    return request.param


def test_what_is_set_is_got(swept):
    cache.set("parcel", {"weight": [1, 2]}, 60)
    cache.set("parcel", {"weight": [3]}, 60)
    assert cache.get("parcel") == {"weight": [3]}
    assert DatabaseCache("portal_cache", {}).get("parcel") == {"weight": [3]}


def test_what_expired_is_gone(swept):
    cache.set("parcel", "old", -5)
    assert cache.get("parcel") is None


def test_without_a_timeout_it_stays(swept):
    cache.set("parcel", "kept", None)
    assert cache.get("parcel") == "kept"


def test_a_write_is_one_statement(monkeypatch):
    monkeypatch.setattr(portal_cache, "SWEPT", 0.0)
    with CaptureQueriesContext(connection) as queries:
        cache.set("parcel", "kept", 60)
    assert len(queries) == 1


def test_a_swept_write_culls_what_is_too_much(monkeypatch):
    monkeypatch.setattr(portal_cache, "SWEPT", 0.0)
    small = portal_cache.TableCache("portal_cache", {"OPTIONS": {"MAX_ENTRIES": 10}})
    for number in range(30):
        small.set(f"parcel-{number}", number, 60)
    monkeypatch.setattr(portal_cache, "SWEPT", 1.0)
    small.set("last", 1, 60)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM portal_cache")
        assert cursor.fetchone()[0] < 30
    assert small.get("last") == 1
