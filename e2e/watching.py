"""What a browser must not do during a test: complain in its console, throw, or ask anybody but the site."""

from __future__ import annotations

from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, WebError, WebSocket

# htmx calls it an error when it drops a request for a newer one, or for another page. Real faults have other names too:
# htmx:responseError, htmx:sendError, or the browser's own “Failed to load resource”.
DROPPED = ("htmx:sendAbort", "htmx:afterRequest")
SCHEMES = {"http", "https", "ws", "wss"}


class Watch:
    """Eyes on every page of a browser context. Policy violations and failed loads are errors in the console, too."""

    def __init__(self, *hosts: str) -> None:
        self.hosts = {"127.0.0.1", *hosts}
        self.complaints: list[str] = []
        self.strangers: list[str] = []
        self.expected = list(DROPPED)

    def over(self, context: BrowserContext) -> None:
        context.on("console", self._console)
        context.on("weberror", self._error)
        context.on("request", self._request)
        context.on("page", self._page)

    def expect(self, part: str) -> None:
        """A complaint that belongs to this test, such as the 404 that it is about."""
        self.expected.append(part)

    def verdict(self) -> None:
        """Raises AssertionError for what nobody expected."""
        left = [line for line in self.complaints if not any(part in line for part in self.expected)]
        assert not left, f"the console complained: {left}"
        assert not self.strangers, f"the browser left this site: {self.strangers}"

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(f"{message.text} ({message.location.get('url', '')})")

    def _error(self, error: WebError) -> None:
        self.complaints.append(str(error.error))

    def _page(self, page: Page) -> None:
        page.on("websocket", self._socket)

    def _request(self, request: Request) -> None:
        self._address(request.url)

    def _socket(self, socket: WebSocket) -> None:
        self._address(socket.url)

    def _address(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in SCHEMES and parts.hostname not in self.hosts:
            self.strangers.append(url)
