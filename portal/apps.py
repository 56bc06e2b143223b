"""Tells Django of the website."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"
