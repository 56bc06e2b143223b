"""manage.py seed: the demo help center (content/) and the demo people, for development only."""

import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from tqdm import tqdm

from kb import frequencies, importing, indexing, tasks
from kb.models import Article, Collection, IndexJob, Membership
from portal.models import User

CONTENT = Path(settings.BASE_DIR) / "content"
PASSWORD = "footnote-demo"  # noqa: S105  # of the demo people, who exist in development only

# username, password, what they may do
LOGINS = [
    ("admin", PASSWORD, "everything, the admin site included"),
    ("editor", PASSWORD, "publishes in every collection"),
    ("author", PASSWORD, "writes in “Writing and publishing”, does not publish"),
    ("operator", PASSWORD, "reads what the group Operators may read"),
    ("reader", PASSWORD, "reads what signed-in readers may read"),
]


class Command(BaseCommand):
    help = "Fill an empty help center with the demo content and demo people."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--if-empty", action="store_true", help="do nothing, quietly, when there are articles")

    def handle(self, *args: Any, if_empty: bool, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("Demo people have known passwords: seed works only with DEBUG on.")
        if Article.objects.exists() or Collection.objects.exists() or User.objects.exists():
            if if_empty:
                return
            raise CommandError("There are articles or people already; seed fills only an empty help center.")
        with tasks.without_wake_ups():  # they are indexed here, before any worker runs
            report = plant()
        for failure in report.failed:
            self.stderr.write(f"{failure.path}: {failure.reason}")
        for note in report.notes:
            self.stderr.write(note)
        index()
        self.stdout.write(f"{report.created} demo articles in {Collection.objects.count()} collections")


@transaction.atomic
def plant() -> importing.Report:
    """Collections, articles and people, all or nothing: a seed that was interrupted can simply be started again."""
    report = importing.import_path(CONTENT, importing.Options(publish=True, create=True), image=figure)
    make_people()
    return report


def make_people() -> None:
    for name, password, _ in LOGINS:
        superuser = name == "admin"
        user = User(username=name, email=f"{name}@example.org", is_staff=superuser, is_superuser=superuser)
        user.set_password(password)
        user.save()
    Membership.objects.create(user=User.objects.get(username="editor"), role="publisher")
    writing = Collection.objects.filter(slug="writing").first()
    Membership.objects.create(user=User.objects.get(username="author"), collection=writing, role="author")
    operators, _ = Group.objects.get_or_create(name="Operators")
    for name in ("operator", "editor"):
        User.objects.get(username=name).groups.add(operators)


def figure(place: str) -> str | None:
    """The figures of the demo articles are static files (STATICFILES_DIRS)."""
    return f"{settings.STATIC_URL}figures/{Path(place).name}" if (CONTENT / place).exists() else None


def index() -> None:
    with tqdm(total=IndexJob.objects.count(), desc="indexing the demo articles", unit="", file=sys.stdout) as bar:
        indexing.drain(progress=bar.update)
    frequencies.refresh(force=True)
