"""What editors fill in to import: the files, where they go, and whether readers get them at once; and to export."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from kb import permissions
from kb.importing import Options, packed
from kb.importing.orders import UPLOAD
from kb.models import Collection
from kb.permissions import Reader
from portal.editor.quality_forms import FilesField

AS_FILES_SAY = "Where each file says"


class PlaceForm(forms.Form):
    """Where the articles go, and how."""

    collection = forms.ModelChoiceField(
        Collection.objects.none(),
        required=False,
        empty_label=AS_FILES_SAY,
        help_text="A file says it by <code>collection:</code> in its front matter, or by the "
        "<code>_collection.md</code> of its folder, as an export does.",
    )
    publish = forms.BooleanField(
        label="Publish them: readers get them as soon as they are indexed. Otherwise new ones are drafts",
        required=False,
    )
    create = forms.BooleanField(label="Make collections and audiences that the files name", required=False)

    def __init__(self, *args: Any, user: Reader, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        self.user = user
        self.fields["collection"].queryset = Collection.objects.writable_by(user)  # type: ignore[attr-defined]  # a model choice
        if not permissions.is_admin(user):
            del self.fields["create"]

    def clean(self) -> dict[str, Any]:
        collection = self.cleaned_data.get("collection")
        if self.cleaned_data.get("publish") and collection and not permissions.may(self.user, "publish", collection):
            self.add_error("publish", f"Your role in “{collection}” does not allow publishing: import drafts instead.")
        return self.cleaned_data

    def options(self) -> Options:
        wanted = self.cleaned_data
        return Options(
            wanted["collection"], by=self.user, publish=wanted["publish"], create=wanted.get("create", False)
        )


class UploadForm(PlaceForm):
    """The files besides: they are put into one archive, which a single zip is already."""

    upload = FilesField(
        label="A zip, or files",
        help_text="Markdown, HTML, DOCX, PDF or plain text. Put images and folders into a zip.",
        error_messages={"required": "Choose a zip or some files.", "empty": "The file is empty."},
    )
    field_order = ("upload", "collection", "publish", "create")

    def clean_upload(self) -> list[Any]:
        files: list[Any] = self.cleaned_data["upload"]
        size = sum(file.size for file in files)
        if size > UPLOAD:
            raise ValidationError(f"These are {size:,} bytes; at most {UPLOAD:,} can be uploaded at once. Divide them.")
        return files

    def archive(self) -> tuple[bytes, str]:
        """One zip, and a name for it."""
        files = self.cleaned_data["upload"]
        name = files[0].name if len(files) == 1 else f"{files[0].name} and {len(files) - 1} more"
        return packed((file.name, file.read()) for file in files), name


class ExportForm(forms.Form):
    """Which articles to take out."""

    collection = forms.ModelChoiceField(
        Collection.objects.none(), required=False, to_field_name="slug", empty_label="All that you may see"
    )

    def __init__(self, *args: Any, user: Reader, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        mine = Collection.objects.writable_by(user) | Collection.objects.filter(
            pk__in=Collection.objects.with_counts(user).values("pk")
        )
        self.fields["collection"].queryset = mine.distinct()  # type: ignore[attr-defined]  # a model choice
