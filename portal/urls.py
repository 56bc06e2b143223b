"""Every address of the website."""

from django.contrib import admin
from django.urls import include, path

from portal.editor.people_urls import urlpatterns as people
from portal.editor.urls import urlpatterns as editor
from portal.public.ask_urls import urlpatterns as ask
from portal.public.urls import urlpatterns as public

urlpatterns = [
    *public,
    *ask,
    path("editor/", include([*editor, *people])),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
]

handler404 = "portal.public.errors.not_found"
