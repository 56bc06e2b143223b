"""Images of articles: stored once under the hash of their bytes, and forgotten when nobody shows them.

Everything is in the database, so that a copy of it is a copy of the help center. Whoever may see an image may put it
into an article; that a version shows it is written down with the version, and readers get it with that version.
"""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import PurePath

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now
from django.utils.text import slugify

from kb import imaging, markdown
from kb.models import ArticleVersion, Autosave, Image, ImageUpload, ImageUse
from kb.permissions import Reader

LARGEST = imaging.LARGEST
KEEP = timedelta(days=30)  # without a version that shows it: a text in an open form may
ADDRESS = re.compile(r"/images/([0-9a-f]{32})/[a-z0-9_.-]*")
SIZE = re.compile(r"-\d+x\d+$")  # what `named` added when the image was here before
ENDINGS = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp"}


@transaction.atomic
def store(data: bytes, name: str, *, by: Reader | None) -> Image:
    """The image these bytes hold, checked and made small, once. Raises ValidationError with a sentence for people.

    `by` may see it from now on, before any article shows it. None: the system, as with an import by command.
    """
    made = imaging.clean(data)
    image, _ = Image.objects.get_or_create(
        digest=made.digest,
        defaults={
            "name": named(name, made),
            "media_type": made.media_type,
            "width": made.width,
            "height": made.height,
            "size": len(made.data),
            "data": made.data,
        },
    )
    ImageUpload.objects.update_or_create(image=image, by_id=by.pk if by else None)
    return image


def named(name: str, made: imaging.Picture) -> str:
    """A safe name that tells the size, so that a page leaves the right room for it: `save-button-640x120.png`."""
    stem = PurePath(name.replace("\\", "/").rpartition("/")[2]).stem
    safe = SIZE.sub("", slugify(stem))[:60].strip("-") or "image"
    return f"{safe}-{made.width}x{made.height}.{ENDINGS[made.media_type]}"


def address(image: Image) -> str:
    """Where pages find it, and what stands in the Markdown."""
    return image.get_absolute_url()


def digests(source: str) -> set[str]:
    """The images a Markdown text shows or leads to."""
    if "/images/" not in source:
        return set()
    found = (ADDRESS.fullmatch(target.partition("#")[0]) for target in markdown.links(source))
    return {match[1] for match in found if match}


def note_uses(version: ArticleVersion, *, by: Reader | None) -> None:
    """Write down which images a new version shows; of those its author may see, since it shows them to others."""
    wanted = digests(version.source)
    if not wanted:
        return
    known = Image.objects.all() if by is None else Image.objects.visible_to(by)
    uses = [ImageUse(image=image, version=version) for image in known.filter(digest__in=wanted)]
    ImageUse.objects.bulk_create(uses, ignore_conflicts=True)


def collect() -> int:
    """Delete what no version and no autosave shows, and nobody brought lately; returns how many."""
    lately = Exists(ImageUpload.objects.filter(image=OuterRef("pk"), at__gt=Now() - KEEP))
    typed = Exists(Autosave.objects.filter(source__contains=OuterRef("digest")))
    old = Image.objects.unused().filter(~lately, ~typed, created__lt=Now() - KEEP)
    return old.delete()[1].get("kb.Image", 0)
