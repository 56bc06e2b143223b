"""One PostgreSQL data folder: make it, start it, stop it, and say in one sentence why that failed."""

import os
import re
import shlex
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from portal.embedded.accounts import Account, Outcome, run
from portal.embedded.errors import EmbeddedError, disk_full
from portal.embedded.processes import command_line, ended_pid

NAME = "footnote"  # of the database and of its owner
PORT = "5432"  # only part of the socket's name: there is no TCP
START_SECONDS = 120  # recovery after a crash can take long
# A server killed with -9 leaves its pid, its children and its shared memory behind for a moment.
LINGERING = re.compile(r'lock file "[^"]+" already exists|pre-existing shared memory block')
LINGER_SECONDS = 8.0
LEAST_BUFFERS, MOST_BUFFERS = 128, 1024  # megabytes, of which only what is used is taken
FULL = re.compile(r"No space left on device|wrote only \d+ of \d+ bytes")


@dataclass(frozen=True)
class Cluster:
    """A data folder, the folder of its socket, and the programs and account that serve it."""

    data: Path
    sockets: Path
    programs: Path
    account: Account | None

    @property
    def log(self) -> Path:
        return self.data / "server.log"

    def is_ready(self) -> bool:
        return self._run("pg_isready", "-q", "-h", self.sockets, "-p", PORT).code == 0

    def exists(self) -> bool:
        """Whether the data folder holds a cluster that these programs can serve."""
        if not self.data.exists() or not any(self.data.iterdir()):
            return False
        if not (self.data / "PG_VERSION").exists() or not (self.data / "global" / "pg_control").exists():
            raise EmbeddedError(
                f"The data folder {self.data} is half-made and holds no database: delete it and start again."
            )
        self._check_version()
        return True

    def create(self, password: str) -> None:
        """Make the cluster in a side folder and move it into place whole: a kill leaves nothing half-made."""
        unfinished = self.data.with_name(f"{self.data.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        secret = self.sockets / "password"  # in a folder that only the server's account and we can enter
        secret.write_text(password)
        try:
            self._give(unfinished, secret)
            self._must_run("initdb", *_first_options(unfinished, secret), what="make its data folder")
        finally:
            secret.unlink()
        unfinished.rename(self.data)

    def start(self) -> None:
        """Start the server and wait until it answers; its crash recovery is part of that."""
        self._forget_foreign_pid()
        # A server that somebody started and did not wait for may still recover.
        patience = time.monotonic() + (START_SECONDS if self._is_served() else LINGER_SECONDS)
        while not self.is_ready():
            logged = self.log.stat().st_size if self.log.exists() else 0
            outcome = self._run("pg_ctl", "start", "-D", self.data, "-l", self.log, *self._start_options())
            if outcome.code == 0:
                return
            said = outcome.output + self._log_since(logged)
            if not LINGERING.search(said) or time.monotonic() > patience:
                raise self._failure("start", said)
            time.sleep(0.5)

    def stop(self) -> bool:
        """Stop the server, sessions or not; whether there was one to stop."""
        if not self._is_served():
            return False
        self._must_run("pg_ctl", "stop", "-D", self.data, "-m", "fast", "-w", "-t", "60", what="stop")
        return True

    def query(self, sql: str, *, password: str, database: str = NAME) -> str:
        """The unadorned answer of psql to one statement."""
        place = ("-h", self.sockets, "-p", PORT, "-U", NAME, "-d", database)
        outcome = self._run("psql", "-XAtq", *place, "-v", "ON_ERROR_STOP=1", "-c", sql, password=password)
        if outcome.code:
            raise self._failure("answer", outcome.output)
        return outcome.output.strip()

    def create_database(self, password: str) -> None:
        """Make our database unless it is there; a kill may have come between the cluster and its database."""
        known = self.query("SELECT datname FROM pg_database", password=password, database="postgres")
        if NAME not in known.split():
            self.query(f'CREATE DATABASE "{NAME}"', password=password, database="postgres")

    def _start_options(self) -> tuple[str, ...]:
        server = f"-p {PORT} -k {shlex.quote(str(self.sockets))} -c listen_addresses= -c shared_buffers={_buffers()}MB"
        return ("-w", "-t", str(START_SECONDS), "-o", server)

    def _is_served(self) -> bool:
        """Whether postmaster.pid names a server of this folder, and not a program that got its pid since."""
        return f"-D {self.data} " in command_line(self._pid() or 0)

    def _pid(self) -> int | None:
        try:
            return int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return None

    def _forget_foreign_pid(self) -> None:
        """Keep PostgreSQL from refusing to start because some other program, or a zombie, has the dead server's pid.

        The file is never deleted: its shared memory key is how PostgreSQL notices survivors of the dead server.
        """
        if self._pid() is None or self._is_served():
            return
        file = self.data / "postmaster.pid"
        file.write_text(f"{ended_pid()}\n" + file.read_text().partition("\n")[2])

    def _check_version(self) -> None:
        made_by = (self.data / "PG_VERSION").read_text().strip()
        said = self._must_run("postgres", "--version", what="tell its version")
        found = re.search(r"(\d+)(\.|devel|beta|rc|\s|$)", said)
        if found and found[1] != made_by:
            raise EmbeddedError(
                f"The data in {self.data} was made by PostgreSQL {made_by} and the installed server is {found[1]}: "
                f"dump it with version {made_by} and restore it, or move the folder away to start empty."
            )

    def _give(self, *paths: Path) -> None:
        for path in paths:
            path.chmod(0o700 if path.is_dir() else 0o600)
            if self.account:
                os.chown(path, self.account.uid, self.account.gid)

    def _log_since(self, position: int) -> str:
        if not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(position)
            return log.read().decode(errors="replace")

    def _run(self, program: str, *arguments: str | Path, password: str = "") -> Outcome:
        secret = {"PGPASSWORD": password} if password else {}
        return run([self.programs / program, *arguments], account=self.account, environment=secret)

    def _must_run(self, program: str, *arguments: str | Path, what: str) -> str:
        outcome = self._run(program, *arguments)
        if outcome.code:
            raise self._failure(what, outcome.output)
        return outcome.output

    def _failure(self, what: str, said: str) -> EmbeddedError:
        if FULL.search(said):
            return disk_full(self.data.parent)
        if "did not start in time" in said:
            return EmbeddedError(
                f"PostgreSQL still recovers after {START_SECONDS} s: see {self.log} and start again in a while."
            )
        told = re.search(r"(?:FATAL|PANIC|ERROR|error):\s*(.+)", said)
        reason = told[1] if told else " ".join(said.split()) or "it gave no reason"
        return EmbeddedError(f"PostgreSQL could not {what}: {reason} (its log is {self.log}).")


def _first_options(folder: Path, secret: Path) -> tuple[str | Path, ...]:
    locale = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    return ("-D", folder, "-U", NAME, "--pwfile", secret, "-A", "scram-sha-256", *locale)


def _buffers() -> int:
    """An eighth of the machine's memory, in megabytes: search reads thousands of pages of its tables for a question."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20
    return max(LEAST_BUFFERS, min(MOST_BUFFERS, memory // 8))
