"""Every address of the website."""

from django.contrib import admin
from django.urls import include, path

from portal.editor.embedders_urls import urlpatterns as embedders
from portal.editor.imports_urls import urlpatterns as imports
from portal.editor.lifecycle_urls import urlpatterns as lifecycle
from portal.editor.links_urls import urlpatterns as links
from portal.editor.people_urls import urlpatterns as people
from portal.editor.quality_urls import urlpatterns as quality
from portal.editor.urls import urlpatterns as editor
from portal.public.ask_urls import urlpatterns as ask
from portal.public.urls import urlpatterns as public

urlpatterns = [
    *public,
    *ask,
    path("editor/", include([*editor, *people, *quality, *embedders, *imports, *links, *lifecycle])),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
]

handler400 = "portal.public.faults.bad_request"
handler404 = "portal.public.errors.not_found"
handler500 = "portal.public.faults.fault"
