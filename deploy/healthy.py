"""The containers' health check: asks a local server for a page as the proxy would; exit code 0 when it answers it."""

import http.client
import os
import sys


def status(port: int, path: str) -> int:
    """The HTTP status of the page, asked for under the first of our host names."""
    host = os.environ.get("ALLOWED_HOSTS", "localhost").split(",")[0].strip().lstrip("*.")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", path, headers={"Host": host, "X-Forwarded-Proto": "https"})
    return connection.getresponse().status


if __name__ == "__main__":
    found = status(int(sys.argv[1]), sys.argv[2])
    sys.exit(f"{sys.argv[2]} answers with {found}" if found >= 400 else 0)
