"""Tells Django of the live wire."""

from django.apps import AppConfig


class StreamingConfig(AppConfig):
    name = "streaming"
