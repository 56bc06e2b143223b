"""Where an imported file goes: its collection, audience and owner, by the names that the files give."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import yaml
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import transaction
from django.utils.text import slugify

from kb import markdown, permissions
from kb.importing.folders import Folder, Unreadable
from kb.importing.reading import Parsed, as_tags, front_matter, scalar
from kb.models import Audience, Collection
from kb.permissions import Reader

SHELF = "_collection.md"  # a folder's own file: title, description, position, audience
AUDIENCES = "_audiences.yaml"  # names of audiences, and the groups in them
MISSING = "You have no collection “{}”: have it made first, or choose one for the import."
PLAIN = {"everyone": Audience.Kind.EVERYONE, "signed-in": Audience.Kind.SIGNED_IN}


@dataclass(frozen=True)
class Options:
    """How to import. `collection` None: each file says its own. `create`: also collections and audiences."""

    collection: Collection | None = None
    by: Reader | None = None
    publish: bool = False
    dry_run: bool = False
    create: bool = False


@dataclass
class Shelves:
    """The collections and audiences of one import. In a dry run those to be created are made, and not saved."""

    options: Options
    described: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # folder → its own file's fields
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # audience → groups
    collections: dict[str, Collection] = field(default_factory=dict)
    audiences: dict[str, Audience] = field(default_factory=dict)

    def of(self, one: Parsed) -> Collection:
        """The collection of a file. Raises Unreadable."""
        if self.options.collection is not None:
            return self.options.collection
        by = self.options.by
        name = one.collection or self.title_of(one.path)
        if not name:
            raise Unreadable(
                "The file names no collection: choose one for the import, or write “collection:” and its name into it."
            )
        key = name.casefold()
        if key not in self.collections:
            found = known_collection(name) or self.new_collection(name)
            if by is not None and found.pk and not permissions.may(by, "write", found):
                raise Unreadable(MISSING.format(name))  # nobody learns of a collection by naming it
            self.collections[key] = found
        return self.collections[key]

    def title_of(self, path: str) -> str:
        """The title of the nearest folder that describes itself."""
        for folder in PurePosixPath(path).parents:
            if str(folder) in self.described:
                return scalar(self.described[str(folder)], "title")[:120]
        return ""

    def new_collection(self, name: str) -> Collection:
        if not self.may_create():
            raise Unreadable(MISSING.format(name))
        own = ((folder, meta) for folder, meta in self.described.items() if scalar(meta, "title") == name)
        folder, fields = next(own, ("", {}))
        slug = slugify(scalar(fields, "slug") or PurePosixPath(folder).name or name)[:120]
        if not slug:
            raise Unreadable(f"The collection “{name}” needs letters or digits in its name.")
        position = scalar(fields, "position")
        last = Collection.objects.count() + 1
        made = Collection(
            name=name[:120],
            slug=slug,
            description=scalar(fields, "description")[:300],
            position=int(position) if re.fullmatch("[0-9]{1,6}", position) else last,
            audience=self.audience(scalar(fields, "audience") or "everyone"),
        )
        self.save(made)
        return made

    def audience(self, name: str) -> Audience:
        """`everyone`, `signed-in`, an audience by its name, or `group:Name`. Raises Unreadable."""
        plain = PLAIN.get(name)
        name = name.removeprefix("group:").strip()
        if name not in self.audiences:
            found = Audience.objects.filter(kind=plain) if plain else Audience.objects.filter(name=name)
            self.audiences[name] = found.first() or self.new_audience(name, plain)
        return self.audiences[name]

    def new_audience(self, name: str, kind: Audience.Kind | None) -> Audience:
        if not self.may_create():
            raise Unreadable(f"There is no audience “{name}”: have it made first, or take the line out of the file.")
        made = Audience(name=kind.label if kind else name[:80], kind=kind or Audience.Kind.GROUPS)
        self.save(made)
        if not kind and not self.options.dry_run:
            for group in self.groups.get(name, (name,)):
                made.groups.add(Group.objects.get_or_create(name=group[:150])[0])
        return made

    def may_create(self) -> bool:
        by = self.options.by
        return self.options.create and (by is None or permissions.is_admin(by))

    def save(self, made: Collection | Audience) -> None:
        if self.options.dry_run:
            made.pk = 0
        else:
            with transaction.atomic():
                made.save()

    def owner(self, one: Parsed, collection: Collection) -> Any:
        """The person a file names as its owner, if there is one who may look after it."""
        people = get_user_model()._default_manager
        found = people.filter(username=one.owner, is_active=True).first() if one.owner else None
        return found if found and permissions.may(found, "write", collection) else None


def known_collection(name: str) -> Collection | None:
    found = Collection.objects.filter(name=name).first()
    return found or Collection.objects.filter(slug=slugify(name)).first()


def described(folder: Folder) -> dict[str, dict[str, Any]]:
    """The fields of each folder's own file. One that cannot be read is as one that is not there, and noted."""
    found: dict[str, dict[str, Any]] = {}
    for name in folder.names:
        path = PurePosixPath(name)
        if path.name == SHELF and not any(part.startswith((".", "_")) for part in path.parent.parts):
            try:
                fields, _ = markdown.split_front_matter(folder.read(name).decode("utf-8"))
                found[str(path.parent)] = front_matter(fields)
            except (Unreadable, UnicodeDecodeError) as error:
                folder.notes.append(f"{name}: what it says of the collection cannot be read: {error}")
    return found


def groups_of(folder: Folder) -> dict[str, tuple[str, ...]]:
    """Which groups are in which audience, as an export says."""
    if AUDIENCES not in folder.names:
        return {}
    try:
        meta = front_matter(folder.read(AUDIENCES).decode("utf-8"))
    except (Unreadable, UnicodeDecodeError, yaml.YAMLError) as error:
        folder.notes.append(f"{AUDIENCES}: it cannot be read: {error}")
        return {}
    return {str(name)[:80]: as_tags(groups) for name, groups in meta.items()}
