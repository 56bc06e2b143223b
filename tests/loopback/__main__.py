"""`python -m tests.loopback [PORT]`: the loopback server on its own, until Ctrl-C."""

import sys

import uvicorn

from tests.loopback.server import app

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]) if len(sys.argv) > 1 else 9099, log_level="warning")
