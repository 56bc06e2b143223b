"""The Celery application: its configuration comes from settings, its tasks from kb, one module at a time."""

import os

from celery import Celery
from celery.signals import beat_embedded_init

from portal.embedded.leash import follow_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

app = Celery("portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["kb"])
app.autodiscover_tasks(["kb.evaluation"], related_name="running")
for module in ("refusing", "probing", "scheduling", "deleting", "batches"):
    app.autodiscover_tasks(["kb"], related_name=module)
app.autodiscover_tasks(["kb.importing"], related_name="runs")


def _follow_the_worker(**_: object) -> None:
    """The scheduler inside a worker is a process of its own: it must not outlive a worker that is killed."""
    follow_parent()


beat_embedded_init.connect(_follow_the_worker)
