"""Workers for the tests that need real ones; whatever a test does to them, none is left behind."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from portal.embedded import EmbeddedValkey
from tests.index.chaos.workers import Worker


@pytest.fixture
def worker(transactional_db: None, tmp_path: Path, broker: EmbeddedValkey) -> Iterator[Callable[..., Worker]]:
    """Start a worker of this name; further arguments are variables of its environment."""
    started: list[Worker] = []

    def start(name: str = "worker", **variables: str) -> Worker:
        variables = {"EMBEDDER": "kb.providers.fake.FakeEmbedder", **variables}
        made = Worker(name, tmp_path, broker.url(), **variables)
        started.append(made)
        made.start()
        return made

    yield start
    for one in started:
        one.stop()
