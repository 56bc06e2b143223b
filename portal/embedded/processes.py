"""Whose process is that? Answers for the pid in a file, which may have been given to another program since."""

import os
import subprocess
from pathlib import Path


def command_line(pid: int) -> str:
    """What the process runs; empty when there is none, or when it has ended and only waits to be reaped."""
    if Path("/proc/self").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    return subprocess.run(["ps", "-o", "command=", "-p", str(pid)], check=False, capture_output=True, text=True).stdout


def ended_pid() -> int:
    """A pid that belongs to nobody: that of a child which has just ended."""
    child = subprocess.Popen(["true"], cwd=os.sep)
    child.wait()
    return child.pid
