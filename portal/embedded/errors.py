"""What can go wrong with the embedded servers, each in one sentence for the person who runs them."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class EmbeddedError(Exception):
    """An embedded server cannot run; the message says what is wrong and what to do."""


def disk_full(folder: Path) -> EmbeddedError:
    return EmbeddedError(f"The disk is full: free some space for {folder} and start again.")


@contextmanager
def readable_errors(folder: Path) -> Iterator[None]:
    """Turn the operating system's errors about `folder` into sentences."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise disk_full(folder) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise EmbeddedError(
                f"{error.filename or folder} cannot be used by this account: "
                "run as the account that owns it, or set FOOTNOTE_VAR to a folder of your own."
            ) from error
        raise
