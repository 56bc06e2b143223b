"""Fixtures for every test: the cast, articles that are really indexed, and a network that leads nowhere."""

import ipaddress
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.core.cache import cache

from kb import frequencies, indexing
from kb.models import Article, Audience, Collection
from portal import embedded
from portal.celery import app
from portal.embedded import EmbeddedValkey
from portal.models import User
from tests import factories


class NetworkBlocked(RuntimeError):
    """A test tried to leave this machine."""


def _only_loopback(event: str, arguments: tuple[Any, ...]) -> None:
    """For every connection and name looked up in this process, whoever asks for it."""
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event in {"socket.connect", "socket.sendto"} and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    if host and not _is_here(host if isinstance(host, str) else host.decode()):
        raise NetworkBlocked(f"Tests may not leave this machine, and this one tried to reach {host}.")


def _is_here(host: str) -> bool:
    with suppress(ValueError):
        address = ipaddress.ip_address(host.split("%")[0])
        return address.is_loopback or address.is_unspecified
    return host == "localhost"


def pytest_configure() -> None:
    sys.addaudithook(_only_loopback)
    embedded.ensure()


@pytest.fixture(scope="session", autouse=True)
def broker(tmp_path_factory: pytest.TempPathFactory) -> EmbeddedValkey:
    """The broker of the tests, which nobody else's worker listens to. It does not run unless a test says so."""
    valkey = EmbeddedValkey(tmp_path_factory.mktemp("broker"))
    app.conf.broker_url = valkey.url()
    return valkey


@pytest.fixture(autouse=True)
def _settings_for_tests(settings, request) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.QUOTING_PACE = 0.0
    if "real_embedder" not in request.fixturenames:
        settings.EMBEDDER = "kb.providers.fake.FakeEmbedder"


@pytest.fixture(autouse=True)
def _empty_cache(request: pytest.FixtureRequest) -> None:
    """The cache is a table: rolled back with a test's transaction, and emptied before a test that commits."""
    mark = request.node.get_closest_marker("django_db")
    if "transactional_db" in request.fixturenames or (mark and mark.kwargs.get("transaction")):
        request.getfixturevalue("transactional_db")
        cache.clear()


@pytest.fixture
def real_embedder() -> None:
    """This test wants the real model, not the fake embedder."""


@pytest.fixture
def index() -> Callable[[], int]:
    """Work through the outbox in this process, and count the words."""

    def work() -> int:
        done = indexing.drain()
        frequencies.refresh(force=True)
        return done

    return work


@pytest.fixture
def collection(db: None) -> Collection:
    return factories.collection("Guides")


@pytest.fixture
def everyone(db: None) -> Audience:
    return factories.audience("everyone")


@pytest.fixture
def signed_in(db: None) -> Audience:
    return factories.audience("signed-in")


@pytest.fixture
def operators(db: None) -> Audience:
    return factories.audience("groups", "Operators")


@pytest.fixture
def reader(db: None) -> User:
    """A customer with an account, in no group."""
    return factories.person("reader")


@pytest.fixture
def operator(operators: Audience) -> User:
    """A reader in the group Operators."""
    return factories.person("operator", group="Operators")


@pytest.fixture
def author(collection: Collection) -> User:
    return factories.person("author", role="author", where=collection)


@pytest.fixture
def publisher(collection: Collection) -> User:
    return factories.person("publisher", role="publisher", where=collection)


@pytest.fixture
def editor(db: None) -> User:
    """Publishes in every collection."""
    return factories.person("editor", role="publisher")


@pytest.fixture
def admin(db: None) -> User:
    user = factories.person("admin", role="admin")
    User.objects.filter(pk=user.pk).update(is_superuser=True, is_staff=True)
    user.refresh_from_db()
    return user


@pytest.fixture
def outsider(db: None) -> User:
    """Somebody with an account, a role in another collection and another group: never those a test is about."""
    elsewhere = factories.collection("Elsewhere")
    return factories.person("outsider", role="publisher", where=elsewhere, group="Others")


@pytest.fixture
def article(collection: Collection, index: Callable[[], int]) -> Article:
    """A published, searchable article."""
    made = factories.article(
        "Restore an older version",
        "Every save makes a version.\n\n## Steps\n\n1. Open the history.\n2. Choose a version.\n3. Press Restore.\n\n"
        "Restoring makes a new version with the old text.\n\n"
        "## Limits\n\nA restored version is a draft until you publish it.",
        summary="Bring back what an article said before.",
        collection=collection,
        tags=["versions"],
    )
    index()
    made.refresh_from_db()
    return made
