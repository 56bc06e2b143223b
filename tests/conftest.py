"""Fixtures for every test: the cast, articles that are really indexed, and a network that leads nowhere."""

import ipaddress
import socket
from collections.abc import Callable

import pytest
from django.core.cache import cache

from kb import frequencies, indexing
from kb.models import Article, Audience, Collection
from portal import embedded
from portal.models import User
from tests import factories


class NetworkBlocked(RuntimeError):
    """A test tried to leave this machine."""


_connect = socket.socket.connect


def _only_loopback(self: socket.socket, address: object) -> None:
    if self.family in (socket.AF_INET, socket.AF_INET6) and isinstance(address, tuple):
        host = address[0]
        if host != "localhost" and not ipaddress.ip_address(host.split("%")[0]).is_loopback:
            raise NetworkBlocked(f"Tests may not leave this machine, and this one tried to reach {host}.")
    return _connect(self, address)


def pytest_configure() -> None:
    socket.socket.connect = _only_loopback  # type: ignore[method-assign]
    embedded.ensure()


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
        "Restoring makes a new version with the old text.\n\n## Limits\n\nA restored version is a draft until you publish it.",
        summary="Bring back what an article said before.",
        collection=collection,
        tags=["versions"],
    )
    index()
    made.refresh_from_db()
    return made
