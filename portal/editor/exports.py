"""Export as editors see it: a zip of what they may know."""

from __future__ import annotations

import tempfile

from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

from kb import exporting
from portal.editor.access import for_editors
from portal.editor.imports_forms import ExportForm
from portal.htmx import Request, render


@for_editors
@require_safe
def index(request: Request) -> HttpResponse:
    return render(request, "editor/export.html", {"form": ExportForm(user=request.user)})


@for_editors  # type: ignore[arg-type]  # a response that is a stream
@require_safe
def download(request: Request) -> HttpResponseBase:
    form = ExportForm(request.GET, user=request.user)
    if not form.is_valid():
        return render(request, "editor/export.html", {"form": form}, status=422)
    collection = form.cleaned_data["collection"]
    made = tempfile.TemporaryFile()  # noqa: SIM115  # the response closes it
    exporting.export(made, user=request.user, collection=collection, progress=exporting.quietly)
    made.seek(0)
    name = f"{collection.slug if collection else 'articles'}.zip"
    return FileResponse(made, as_attachment=True, filename=name, content_type="application/zip")
