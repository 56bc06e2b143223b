"""The least that Channels can do: a consumer that sends the same words in the same beat, and knows nothing else."""

from __future__ import annotations

import asyncio
import os

import django
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import re_path

from bench.metronome import send_all

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()


class Bare(AsyncWebsocketConsumer):
    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if '"follow"' in (text_data or ""):
            self.sending = asyncio.create_task(send_all(self.send))

    async def disconnect(self, code: int) -> None:
        if hasattr(self, "sending"):
            self.sending.cancel()


application = ProtocolTypeRouter({"websocket": URLRouter([re_path("", Bare.as_asgi())])})
