"""Images brought into a text: checked, stored, and given back as the Markdown that shows them."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.views.decorators.http import require_POST

from kb import images
from portal.editor.access import for_editors
from portal.htmx import Request

TEXT = "text/plain; charset=utf-8"


@for_editors
@require_POST
def upload(request: Request) -> HttpResponse:
    """One image, for scripts: the Markdown to put into the text, or a sentence that says what is wrong."""
    try:
        return HttpResponse(stored(request, request.FILES.get("file")), status=201, content_type=TEXT)
    except ValidationError as error:
        return HttpResponse(error.messages[0], status=422, content_type=TEXT)


def stored(request: Request, file: Any) -> str:
    """The Markdown of an uploaded image. Raises ValidationError."""
    if file is None:
        raise ValidationError("Choose an image first.")
    if file.size > images.LARGEST:
        raise ValidationError(f"The image has {file.size:,} bytes; at most {images.LARGEST:,} are possible.")
    image = images.store(file.read(), file.name, by=request.user)
    return f"![{described(file.name)}]({images.address(image)})"


def described(name: str) -> str:
    """The words of a file's name, to begin a description with; names that a program gave say nothing."""
    words = " ".join(re.findall(r"[^\W_]+", PurePath(name).stem))
    return "" if re.fullmatch(r"(?i)(image|img|pasted|screenshot|dsc|photo|\d| )*", words) else words[:100]
