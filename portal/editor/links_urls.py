"""Addresses of the pages about links and reviews."""

from django.urls import path

from portal.editor import links, reminders

urlpatterns = [
    path("links/", links.index, name="editor_links"),
    path("reminders/", reminders.index, name="editor_reminders"),
    path("articles/<int:pk>/verify/", reminders.verify, name="editor_verify"),
    path("links/<int:pk>/", links.mend, name="editor_link"),
]
