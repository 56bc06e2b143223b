"""`manage.py down`: stop what `up` and other commands have left running."""

import os
import signal
import time
from contextlib import suppress

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portal.embedded import EmbeddedError
from portal.embedded.alone import running

PATIENCE_SECONDS = 40.0


class Command(BaseCommand):
    help = "Stop the website, the worker and the embedded servers of this folder."
    requires_system_checks: list[str] = []

    def handle(self, **options: object) -> None:
        stopped = self.stop_up()
        if settings.EMBEDDED_VALKEY:
            settings.EMBEDDED_VALKEY.stop_leftover()
        try:
            stopped = bool(settings.EMBEDDED_POSTGRES and settings.EMBEDDED_POSTGRES.stop()) or stopped
        except EmbeddedError as error:
            raise CommandError(str(error)) from error
        self.stdout.write("Stopped." if stopped else "Nothing was running.")

    def stop_up(self) -> bool:
        """End the `up` of this folder and wait until it has; whether there was one."""
        found = running(settings.VAR)
        if found is None:
            return False
        with suppress(ProcessLookupError):
            os.kill(found.pid, signal.SIGTERM)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while running(settings.VAR):
            if time.monotonic() > deadline:
                raise CommandError(
                    f"Process {found.pid} does not stop: end it with kill -9 {found.pid}, then run this again."
                )
            time.sleep(0.1)
        return True
