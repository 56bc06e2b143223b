"""Chromium as the system packages it, kept on this machine, and ffmpeg for the videos of tests that fail."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import playwright

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAMES = ("chromium", "chromium-browser", "google-chrome")


def launch_options(*hosts: str) -> dict[str, Any]:
    """How to start it: no browser is ever downloaded, and no name but those of the site under test is found."""
    executable = next(filter(None, map(shutil.which, NAMES)), None)
    allowed = "".join(f", EXCLUDE {host}" for host in ("127.0.0.1", *hosts))
    return {"executable_path": executable, "args": [*ARGUMENTS, f"--host-resolver-rules=MAP * ~NOTFOUND{allowed}"]}


def provide_ffmpeg(folder: Path) -> bool:
    """Put the system's ffmpeg where Playwright, which would download its own, looks for it. False: there is none."""
    found = shutil.which("ffmpeg")
    if found is None or "PLAYWRIGHT_BROWSERS_PATH" in os.environ:
        return found is not None
    driver = Path(playwright.__file__).parent / "driver" / "package" / "browsers.json"
    listed = {browser["name"]: browser["revision"] for browser in json.loads(driver.read_text())["browsers"]}
    link = folder / f"ffmpeg-{listed['ffmpeg']}" / "ffmpeg-linux"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(found)
    os.environ["PLAYWRIGHT_BROWSERS_PATH"] = str(folder)
    return True
