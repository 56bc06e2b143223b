"""Images of articles, for whoever may read an article that shows them."""

from __future__ import annotations

from django.http import HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.http import quote_etag
from django.views.decorators.http import require_safe

from kb.models import Image
from portal.htmx import Request
from portal.public.errors import not_found

DAY = 24 * 3600  # how long a browser shows it without asking whether its reader still may
ALONE = "default-src 'none'; style-src 'unsafe-inline'; sandbox"  # opened by itself it is a picture and nothing else


@require_safe
def image(request: Request, digest: str, name: str) -> HttpResponseBase:
    """The address holds the hash of the bytes, so what is found there never changes; who may see it does."""
    found = Image.objects.visible_to(request.user).filter(digest=digest).first()
    if found is None:
        return not_found(request)
    etag = quote_etag(found.digest)
    response = get_conditional_response(request, etag=etag) or whole(found)
    response["ETag"] = etag
    response["Content-Security-Policy"] = ALONE
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    patch_cache_control(response, private=True, max_age=DAY)
    return response


def whole(found: Image) -> HttpResponse:
    response = HttpResponse(bytes(found.data), content_type=found.media_type)
    response["Content-Disposition"] = f'inline; filename="{found.name}"'
    return response
