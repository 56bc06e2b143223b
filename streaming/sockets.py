"""The sockets of this process, as all processes count them: taken, kept alive together, given back."""

from __future__ import annotations

import asyncio
import logging
import uuid
from weakref import WeakKeyDictionary

from kb import limits
from kb.threads import database

log = logging.getLogger(__name__)
BEAT_SECONDS = 20.0


class Sockets:
    """Those of one event loop, with one task for the heartbeats of all."""

    def __init__(self) -> None:
        self.open: set[uuid.UUID] = set()
        self._beating: asyncio.Task[None] | None = None

    async def take(self, address: str) -> uuid.UUID:
        """Count one more of this address. Raises limits.TooMany."""
        taken = await database(limits.open_socket)(limits.hashed(address))
        self.open.add(taken)
        if self._beating is None or self._beating.done():
            self._beating = asyncio.create_task(self._beat())
        return taken

    async def give_back(self, taken: uuid.UUID) -> None:
        self.open.discard(taken)
        await database(limits.close_sockets)([taken])

    async def _beat(self) -> None:
        while self.open:
            await asyncio.sleep(BEAT_SECONDS)
            try:
                await database(limits.keep_sockets)(list(self.open))
            except Exception:
                log.exception("open sockets could not be kept; trying again")


_sockets: WeakKeyDictionary[asyncio.AbstractEventLoop, Sockets] = WeakKeyDictionary()


def here() -> Sockets:
    return _sockets.setdefault(asyncio.get_running_loop(), Sockets())
