"""manage.py seed: the demo help center (content/) and the demo people, for development only."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import frontmatter
from django.conf import settings
from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from tqdm import tqdm

from kb import frequencies, importing, indexing, tasks
from kb.models import Article, Audience, Collection, IndexJob, Membership
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


@dataclass(frozen=True)
class Shelf:
    """A collection of the demo content: its folder and the front matter of its _collection.md."""

    folder: Path
    title: str
    description: str
    position: int
    audience: str

    @classmethod
    def read(cls, folder: Path) -> "Shelf":
        meta = frontmatter.load(str(folder / "_collection.md")).metadata
        return cls(
            folder,
            str(meta["title"]),
            str(meta.get("description", "")),
            int(str(meta.get("position", 0))),
            str(meta.get("audience", "everyone")),
        )


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
    """Collections, people and articles, all or nothing: a seed that was interrupted can simply be started again."""
    shelves = sorted((Shelf.read(path.parent) for path in CONTENT.glob("*/_collection.md")), key=lambda s: s.position)
    collections = {shelf: make_collection(shelf) for shelf in shelves}
    make_people()
    return import_all(collections)


def make_collection(shelf: Shelf) -> Collection:
    return Collection.objects.create(
        name=shelf.title,
        slug=shelf.folder.name,
        description=shelf.description,
        position=shelf.position,
        audience=make_audience(shelf.audience),
    )


def make_audience(name: str) -> Audience:
    """`everyone`, `signed-in` or `group:Name`."""
    kind, _, group = name.partition(":")
    if kind == "group":
        audience, made = Audience.objects.get_or_create(name=group, defaults={"kind": Audience.Kind.GROUPS})
        if made:
            audience.groups.add(Group.objects.get_or_create(name=group)[0])
        return audience
    choice = Audience.Kind(kind)
    return Audience.objects.get_or_create(kind=choice, defaults={"name": choice.label})[0]


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


def import_all(collections: dict[Shelf, Collection]) -> importing.Report:
    """Import every collection's folder, as one import, so that links between collections hold."""
    report = importing.Report()
    parsed = {
        one: collection
        for shelf, collection in collections.items()
        for one in importing.parse_all(importing.files(shelf.folder), CONTENT, report)
    }
    addresses = {one.path: one.slug for one in parsed}
    for one, collection in parsed.items():
        options = importing.Options(collection=collection, publish=True, image_address=figure)
        source = importing.rewrite_links(one, addresses, options, report)
        importing.write(one, source, one.slug, options)
        report.created += 1
    return report


def figure(file: Path) -> str | None:
    """The figures of the demo articles are static files (STATICFILES_DIRS)."""
    return f"{settings.STATIC_URL}figures/{file.name}" if file.is_relative_to(CONTENT) and file.exists() else None


def index() -> None:
    with tqdm(total=IndexJob.objects.count(), desc="indexing the demo articles", unit="", file=sys.stdout) as bar:
        while indexing.run() != "none":
            bar.update()
    frequencies.refresh(force=True)
