"""Running PostgreSQL's programs, and as whom: it refuses to run as root, so root hands over to another account."""

import os
import pwd
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from portal.embedded.errors import EmbeddedError

CANDIDATES = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """The account that runs the database server when we are root."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class Outcome:
    """How a program ended, and all it said."""

    code: int
    output: str


def server_account(data: Path) -> Account | None:
    """The account to hand over to: the owner of `data` if there is one. None: we are no root and stay who we are."""
    if os.geteuid() != 0:
        return None
    if data.exists() and (owner := data.stat()).st_uid != 0:
        return Account(f"uid {owner.st_uid}", owner.st_uid, owner.st_gid)
    for name in CANDIDATES:
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(name, entry.pw_uid, entry.pw_gid)
    raise EmbeddedError(
        "PostgreSQL refuses to run as root and this machine has neither an account “postgres” nor “nobody”: "
        "run as an ordinary user."
    )


def run(
    argv: Sequence[str | Path], *, account: Account | None, environment: Mapping[str, str] | None = None
) -> Outcome:
    """Run a program to its end as `account`.

    Its output goes to a file, never to a pipe: a server it leaves behind inherits the pipe and reading would never end.
    """
    with tempfile.TemporaryFile() as output:
        code = subprocess.run(
            [str(word) for word in argv],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=os.sep,  # ours may be closed to the account
            env=clean_environment(environment or {}),
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        ).returncode
        output.seek(0)
        return Outcome(code, output.read().decode(errors="replace"))


def clean_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Ours without PG* (PGPORT or PGHOST would move the server or the client) and with messages in English."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, "LC_ALL": "C", **extra}


def can_enter(path: Path, account: Account) -> bool:
    """Whether `account` reaches `path`, through every folder above it."""
    return run(["test", "-r", path, "-a", "-x", path], account=account).code == 0
