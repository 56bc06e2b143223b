"""`make setup`, before there is a virtual environment: runs on the system's Python with its standard library alone.

A Python that is too old must get as far as saying so: annotations that it could not evaluate are in quotes.
"""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "packages.sha256"  # of what was installed last
OLDEST = (3, 11)
UV = "uv==0.13.9"
BROWSER_PACKAGES = {"chromium": "chromium fonts-liberation", "ffmpeg": "ffmpeg", "nginx": "nginx-light"}


def main() -> None:
    find_new_python()
    {"setup": setup, "browser": browser}[sys.argv[1]]()


def find_new_python() -> None:
    """Go on with a newer Python if this one is too old, or say that there is none."""
    if sys.version_info >= OLDEST:
        return
    for name in ("python3.11", "python3.12", "python3.13"):
        found = shutil.which(name)
        if found:
            os.execv(found, [found, *sys.argv])
    here = ".".join(str(number) for number in sys.version_info[:3])
    sys.exit(
        f"Footnote needs Python 3.11 or newer and {sys.executable} is {here}: "
        "install one, or name it: make setup PYTHON=/path/to/python"
    )


def setup() -> None:
    """Make, fetch and build what is missing; one at a time, however many were started."""
    with alone():
        prepare()


def prepare() -> None:
    if not works(PYTHON):
        say("Virtual environment in .venv …")
        make_environment()
    wanted = fingerprint()
    if not STAMP.exists() or STAMP.read_text() != wanted:
        say("Packages (about 150, from constraints.txt) …")
        install_packages()
        STAMP.write_text(wanted)
    run([PYTHON, "-m", "kb.providers.weights"], "The embedding model could not be set up.")


@contextmanager
def alone() -> "Iterator[None]":
    """Wait for another setup of this folder; the lock is on the folder itself and ends with the process."""
    folder = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("Another setup of this folder is at work: waiting for it …")
        fcntl.flock(folder, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(folder)


def browser() -> None:
    """Chromium, ffmpeg (videos of tests that fail) and nginx for the tests that need them."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])  # where Debian puts nginx
    missing = [package for program, package in BROWSER_PACKAGES.items() if not shutil.which(program, path=path)]
    if missing:
        say("System packages for the tests: " + " ".join(missing) + " …")
        apt_install(" ".join(missing).split(), why="The tests need them")


def make_environment() -> None:
    if importlib.util.find_spec("ensurepip") is None:
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        apt_install([package], why="This Python cannot make a virtual environment without it")
    run([sys.executable, "-m", "venv", "--clear", VENV], "The virtual environment could not be made.")


def install_packages() -> None:
    """With uv, which takes seconds where pip takes minutes; with pip where uv cannot be had or fails."""
    pip: list[str | Path] = [PYTHON, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    sync: list[str | Path] = [VENV / "bin" / "uv", "pip", "sync", "--quiet", "--python", PYTHON, "constraints.txt"]
    if call([*pip, UV]) and call(sync, env=uv_environment()):
        return
    say("uv could not do it; with pip this takes some minutes …")
    run([*pip, "--requirement", "constraints.txt"], "The packages could not be installed.")


def uv_environment() -> "dict[str, str]":
    """uv does not read pip's configuration: hand over the index that pip was told to use."""
    environment = dict(os.environ)
    told = subprocess.run([str(PYTHON), "-m", "pip", "config", "list"], capture_output=True, text=True, check=False)
    for line in told.stdout.splitlines():
        name, _, value = line.partition("=")
        if name.endswith(".index-url"):
            environment.setdefault("UV_DEFAULT_INDEX", value.strip("'\""))
        if name.endswith(".cert"):
            environment.setdefault("SSL_CERT_FILE", value.strip("'\""))
    return environment


def apt_install(packages: "Sequence[str]", *, why: str) -> None:
    """Install Debian packages if we may; otherwise say the command."""
    command = "apt-get install -y --no-install-recommends " + " ".join(packages)
    if not shutil.which("apt-get"):
        sys.exit(f"{why}: install what Debian calls {' '.join(packages)} with your system's package manager.")
    if os.geteuid() != 0:
        sys.exit(f"{why}: run `sudo {command}`, then make again.")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    call(["apt-get", "update", "-qq"], env=environment)  # if an index is out of reach, the packages may still be there
    run([*command.split(), "-qq"], f"apt-get could not install {' '.join(packages)}.", env=environment)


def fingerprint() -> str:
    """Changes when the pinned packages, the way to install them or the interpreter do."""
    seen = (ROOT / "constraints.txt").read_bytes() + f"{UV} {sys.version}".encode()
    return hashlib.sha256(seen).hexdigest()


def works(python: Path) -> bool:
    return python.exists() and call([python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"])


def run(argv: "Sequence[str | Path]", failure: str, *, env: "dict[str, str] | None" = None) -> None:
    if not call(argv, env=env):
        sys.exit(f"{failure} What happened is said above.")


def call(argv: "Sequence[str | Path]", *, env: "dict[str, str] | None" = None) -> bool:
    started = time.monotonic()
    done = subprocess.run([str(word) for word in argv], cwd=ROOT, check=False, env=env).returncode == 0
    if time.monotonic() - started > 2:
        say(f"  … {time.monotonic() - started:.0f} s")
    return done


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
