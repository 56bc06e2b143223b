"""Addresses of the pages about people."""

from django.urls import path

from portal.editor import people

urlpatterns = [
    path("people/", people.people, name="editor_people"),
    path("people/invite/", people.invite, name="editor_invite"),
    path("people/<int:pk>/invite-again/", people.invite_again, name="editor_invite_again"),
]
