"""Images of an import: the files beside the articles, stored as ours when an article that shows them is written."""

from __future__ import annotations

from pathlib import PurePosixPath

from django.core.exceptions import ValidationError
from django.urls import reverse

from kb import images, imaging
from kb.importing.folders import Folder, Unreadable
from kb.models import Image
from kb.permissions import Reader


class Pictures:
    """`address(place)` says where pages will find the image at that place of the folder, before it is stored."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.names = set(folder.names)
        self.places: dict[str, str] = {}  # address → place
        self.addresses: dict[str, str] = {}  # place → address

    def address(self, place: str) -> str | None:
        """None when there is no such file. Raises Unreadable when it is no image that can be shown."""
        if place not in self.names:
            return None
        if place not in self.addresses:
            try:
                made = imaging.clean(self.folder.read(place))
            except ValidationError as error:
                raise Unreadable(" ".join(error.messages)) from error
            known = Image.objects.filter(digest=made.digest).first()
            name = known.name if known else images.named(PurePosixPath(place).name, made)
            self.addresses[place] = reverse("image", args=[made.digest, name])
            self.places[self.addresses[place]] = place
        return self.addresses[place]

    def store(self, source: str, *, by: Reader | None) -> None:
        """Store the images of the folder that a text shows."""
        for address, place in self.places.items():
            if address in source:
                images.store(self.folder.read(place), PurePosixPath(place).name, by=by)
