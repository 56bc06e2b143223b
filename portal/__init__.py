"""The website: settings, public and editor pages, people, commands."""

from portal.celery import app as celery_app

__all__ = ["celery_app"]
