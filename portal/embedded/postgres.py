"""The embedded PostgreSQL of one data folder: one server, however many processes ask for it."""

import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from portal.embedded import binaries
from portal.embedded.accounts import Account, can_enter, server_account
from portal.embedded.cluster import NAME, PORT, Cluster
from portal.embedded.errors import EmbeddedError, readable_errors
from portal.embedded.sockets import SOCKETS, check_length, claim


class EmbeddedPostgres:
    """PostgreSQL below `var`, from the wheel's programs or those in `bindir`."""

    def __init__(self, var: Path, *, bindir: str = "", sockets: Path = SOCKETS) -> None:
        self.home = Path(var).resolve() / "postgres"
        self.bindir = bindir
        self._sockets = sockets

    def database_settings(self) -> dict[str, Any]:
        """The entry for Django's DATABASES; needs no running server."""
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": NAME,
            "USER": NAME,
            "PASSWORD": self.password,
            "HOST": str(self.sockets),
            "PORT": PORT,
        }

    @cached_property
    def password(self) -> str:
        """Made on first use, by whoever comes first: settings are read before there is a cluster."""
        file = self.home / "password"
        with readable_errors(self.home):
            self.home.mkdir(parents=True, exist_ok=True)
            if not file.exists():
                draft = self.home / f"password.{os.getpid()}"
                draft.touch(mode=0o600)
                draft.write_text(secrets.token_urlsafe(24))
                with suppress(FileExistsError):
                    os.link(draft, file)  # whole or not at all, and only the first one stays
                draft.unlink()
            return file.read_text().strip()

    @cached_property
    def identity(self) -> str:
        """Short and our own: a copied or emptied folder never meets the server of the one it was."""
        return hashlib.sha256(f"{self.home}\n{self.password}".encode()).hexdigest()[:12]

    @cached_property
    def sockets(self) -> Path:
        folder = self._sockets / f"footnote-{self.identity}"
        check_length(folder / f".s.PGSQL.{PORT}.lock")
        return folder

    @cached_property
    def cluster(self) -> Cluster:
        data, elsewhere = self.home / "data", binaries.SYSTEM_FOLDER / f"data-{self.identity}"
        account = server_account(data)
        if account and (elsewhere.exists() or not can_enter(self.home, account)):
            data = self._moved(data, elsewhere, account=account)
        return Cluster(data, self.sockets, binaries.postgres_programs(self.bindir, account), account)

    def ensure(self) -> None:
        """Start the server unless it runs; safe for any number of processes at once."""
        with self._alone():
            claim(self.sockets, account=self.cluster.account)
            if self.cluster.is_ready():
                return
            if not self.cluster.exists():
                self.cluster.create(self.password)
            self.cluster.start()
            self.cluster.create_database(self.password)

    def stop(self) -> bool:
        """Stop the server; whether it ran."""
        with self._alone():
            stopped = self.cluster.stop()
            with suppress(OSError):
                self.sockets.rmdir()
            return stopped

    def sessions(self) -> int:
        """How many clients are connected, ourselves not counted."""
        clients = "FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        return int(self.cluster.query(f"SELECT count(*) {clients}", password=self.password))

    def _moved(self, data: Path, elsewhere: Path, *, account: Account) -> Path:
        """The data folder when the server's account cannot come below `var`: no home is opened for it."""
        if data.exists():
            raise EmbeddedError(
                f"The account “{account.name}” of the database server may no longer enter {data}: "
                "open the folders above it to that account again."
            )
        binaries.system_folder()
        return elsewhere

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with readable_errors(self.home):
            self.home.mkdir(parents=True, exist_ok=True)
            with open(self.home / "lock", "w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
