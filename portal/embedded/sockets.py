"""Short, private folders for Unix sockets, and the questions "does it listen?" and "is the port free?"."""

import errno
import os
import socket
import stat
from pathlib import Path

from portal.embedded.accounts import Account
from portal.embedded.errors import EmbeddedError

# Always the same folder, whatever TMPDIR says: two terminals must find one server.
SOCKETS = Path(os.sep, "tmp")
LONGEST = 103  # bytes in a socket's path: 104 on macOS and 108 on Linux, with a closing zero


def check_length(path: Path) -> None:
    if len(os.fsencode(path)) > LONGEST:
        raise EmbeddedError(
            f"The path {path} is too long for a socket (at most {LONGEST} bytes): use a shorter folder."
        )


def claim(folder: Path, *, account: Account | None = None) -> None:
    """Make `folder` for a server of `account`, or of ourselves; refuse one that somebody else could have put there."""
    ours = {os.geteuid()} | ({account.uid} if account else set())
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in ours or found.st_mode & 0o022:
            raise EmbeddedError(
                f"{folder} belongs to somebody else or is open to others, so no server will be started in it: "
                "remove it and start again."
            ) from None
    if account:
        os.chown(folder, account.uid, account.gid)


def listens(address: str | tuple[str, int]) -> bool:
    """Whether something accepts connections at a socket's path or at (host, port)."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family) as probe:
        probe.settimeout(0.3)
        return probe.connect_ex(address) == 0


def require_free_port(host: str, port: int) -> None:
    """Raise unless (host, port) can be listened on."""
    with socket.socket(socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            raise EmbeddedError(_why_not(host, port, error)) from error


def _why_not(host: str, port: int, error: OSError | OverflowError) -> str:
    if isinstance(error, OverflowError):
        return f"{port} is no port: use a number from 1 to 65535."
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is in use: stop what uses it, or choose another one (make run PORT=8123)."
    if error.errno == errno.EACCES:
        return f"This account may not use port {port}: choose one above 1023 (make run PORT=8123)."
    return f"{host} is no address of this machine: use 127.0.0.1, or 0.0.0.0 for every address."
