"""Children that never outlive their parent: when the supervisor is killed, they end by themselves.

Linux tells a child of its parent's death. Elsewhere this file runs as a small program between the two and watches.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from types import FrameType

PR_SET_PDEATHSIG = 1
WATCH_SECONDS = 0.5
ON_LINUX = sys.platform == "linux"
LIBRARY = ctypes.CDLL(None) if ON_LINUX else None  # loaded here: between fork and exec is no place for it


def leashed(argv: Sequence[str]) -> list[str]:
    """The command that runs `argv` on a leash; on Linux `follow_parent` in the child is enough."""
    return list(argv) if ON_LINUX else [sys.executable, "-S", __file__, *argv]


def follow_parent() -> None:
    """Called in a child: end with SIGTERM when the parent dies."""
    if LIBRARY is not None:
        LIBRARY.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    else:
        threading.Thread(target=_end_with, args=(os.getppid(), os.getpid()), daemon=True).start()


def hold(argv: Sequence[str]) -> int:
    """Run `argv`, passing signals on, and end it when our own parent is gone; its exit code."""
    parent = os.getppid()
    child = subprocess.Popen(argv)

    def forward(number: int, _frame: FrameType | None) -> None:
        child.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, forward)
    threading.Thread(target=_end_with, args=(parent, child.pid), daemon=True).start()
    return child.wait()


def _end_with(parent: int, pid: int) -> None:
    while os.getppid() == parent:
        time.sleep(WATCH_SECONDS)
    os.kill(pid, signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(hold(sys.argv[1:]))
