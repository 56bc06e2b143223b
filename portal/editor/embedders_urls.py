"""Addresses of the page about embedders."""

from django.urls import path

from portal.editor import embedders

urlpatterns = [
    path("embedders/", embedders.index, name="editor_embedders"),
    path("embedders/audiences/<int:pk>/exact/", embedders.search_exactly, name="editor_search_exactly"),
]
