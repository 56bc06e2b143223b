"""The loop of a framework's process: orders come as lines of JSON, answers go out as such. Standard library alone."""

import json
import os
import sys
import time
from urllib.parse import quote

DIMENSIONS = 384
HNSW = {"m": 16, "ef_construction": 64}  # what all three take by default
EF_SEARCH = 40


def database():
    """Of the bench: dbname, user, password, host."""
    return json.loads(os.environ["PEER_DATABASE"])


def url(driver):
    one = database()
    return (
        f"postgresql+{driver}://{quote(one['user'])}:{quote(one['password'])}@/{one['dbname']}"
        f"?host={quote(one['host'], safe='')}"
    )


def serve(peer):
    """`peer`: create(), write(rows), index() and ask(text, vector, audiences, is_hybrid) → ids."""
    out, sys.stdout = sys.stdout, sys.stderr  # libraries print
    for line in sys.stdin:
        order = json.loads(line)
        work = getattr(peer, order.pop("do"))
        started = time.perf_counter()
        found = work(**order)
        taken = time.perf_counter() - started
        out.write(json.dumps({"found": found, "seconds": taken}) + "\n")
        out.flush()
