"""The whole product in a real browser: `manage.py up` on an empty folder, Chromium, and nothing of Django in here.

`--base-url URL` runs the tests that only read against a site that is already there; `--headed` shows the browser.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, expect

from e2e import browsers
from e2e.people import sign_in
from e2e.site import Site, another_web, free_port, own, process
from e2e.watching import Watch

NewContext = Callable[..., BrowserContext]
OpenAs = Callable[..., Page]
FILM = {"width": 512, "height": 288}  # encoding takes the processor from what is filmed
KEPT = {"tracing": "retain-on-failure", "video": "retain-on-failure", "screenshot": "only-on-failure"}


def pytest_configure(config: pytest.Config) -> None:
    """Trace, video and screenshot of a test that fails are kept in test-results/, whoever starts the tests."""
    expect.set_options(timeout=15_000)
    has_ffmpeg = browsers.provide_ffmpeg(Path(tempfile.gettempdir()) / "footnote-playwright")
    for name, when in KEPT.items():
        if getattr(config.option, name) == "off" and (name != "video" or has_ffmpeg):
            setattr(config.option, name, when)


@pytest.fixture(scope="session")
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site under test: our own from an empty folder, or the one that --base-url names."""
    given = request.config.getoption("base_url")
    if given:
        yield Site(given.rstrip("/"), None)
        return
    with own(tmp_path_factory.mktemp("site")) as started:
        yield started


@pytest.fixture(scope="session")
def base_url(site: Site) -> str:
    return site.url


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_context_args, "record_video_size": FILM}


@pytest.fixture
def own_site(site: Site) -> Site:
    """For tests that write or run commands: never on a site of somebody else's."""
    if site.environment is None:
        pytest.skip("this test writes, so it runs only on a site of its own (without --base-url)")
    return site


@pytest.fixture(scope="session")
def _slow_site(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with another_web(site, tmp_path_factory.mktemp("slow"), QUOTING_PACE="0.1") as started:
        yield started


@pytest.fixture
def slow_site(own_site: Site, request: pytest.FixtureRequest) -> Site:
    """A second web process of the same site, which writes so slowly that there is time to get in its way."""
    started: Site = request.getfixturevalue("_slow_site")
    return started


@pytest.fixture(scope="session")
def _site_with_model(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder, port = tmp_path_factory.mktemp("model"), free_port()
    loopback = ["-m", "tests.loopback", str(port)]
    with process(loopback, site.environment or {}, folder / "loopback.log", port=port, path="/_stats") as address:
        key = {"ANTHROPIC_API_KEY": "test", "ANTHROPIC_BASE_URL": address}
        with another_web(site, folder, **key) as started:
            yield started


@pytest.fixture
def site_with_model(own_site: Site, request: pytest.FixtureRequest) -> Site:
    """A second web process of the same site, whose answers are written by a model: our loopback server."""
    started: Site = request.getfixturevalue("_site_with_model")
    return started


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, object], site: Site) -> dict[str, object]:
    return {**browser_type_launch_args, **browsers.launch_options(urlsplit(site.url).hostname or "")}


@pytest.fixture
def watch(site: Site) -> Watch:
    """What the browser complains of in this test; `watch.expect(part)` lets a complaint pass that is meant."""
    return Watch(urlsplit(site.url).hostname or "")


@pytest.fixture
def new_context(new_context: NewContext, watch: Watch) -> Iterator[NewContext]:
    """Makes a visitor with a cookie jar of their own, on whose pages an error in the console fails the test."""

    def make(**options: object) -> BrowserContext:
        context = new_context(**options)
        watch.over(context)
        return context

    yield make
    watch.verdict()


@pytest.fixture(scope="session")
def _states() -> dict[str, StorageState]:
    return {}


@pytest.fixture
def open_as(browser: Browser, base_url: str, new_context: NewContext, _states: dict[str, StorageState]) -> OpenAs:
    """A new page of one of the demo people, who signed in once for all tests; options are those of a context."""

    def enter(username: str, **options: object) -> Page:
        if username not in _states:
            context = browser.new_context(base_url=base_url)
            sign_in(context.new_page(), username)
            _states[username] = context.storage_state()
            context.close()
        return new_context(storage_state=_states[username], **options).new_page()

    return enter


@pytest.fixture
def editor(own_site: Site, open_as: OpenAs) -> Page:
    """The page of somebody who publishes in every collection."""
    return open_as("editor")


@pytest.fixture
def stranger(new_context: NewContext) -> Page:
    """A page of somebody else, who is not signed in."""
    return new_context().new_page()
