"""Addresses of the editor's pages."""

from django.urls import path

from portal.editor import articles, chunks, explain, history, states, writing

urlpatterns = [
    path("", articles.index, name="editor_articles"),
    path("explain/", explain.explain, name="editor_explain"),
    path("preview/", writing.preview, name="editor_preview"),
    path("articles/new/", writing.create, name="editor_create"),
    path("articles/<int:pk>/", writing.edit, name="editor_edit"),
    path("articles/<int:pk>/publish/", states.publish, name="editor_publish"),
    path("articles/<int:pk>/unpublish/", states.unpublish, name="editor_unpublish"),
    path("articles/<int:pk>/archive/", states.archive, name="editor_archive"),
    path("articles/<int:pk>/history/", history.versions, name="editor_history"),
    path("articles/<int:pk>/compare/", history.compare, name="editor_compare"),
    path("articles/<int:pk>/versions/<int:number>/", history.version, name="editor_version"),
    path("articles/<int:pk>/versions/<int:number>/restore/", history.restore, name="editor_restore"),
    path("articles/<int:pk>/chunks/", chunks.index, name="editor_chunks"),
    path("articles/<int:pk>/status/", chunks.status, name="editor_status"),
    path("articles/<int:pk>/retry/", chunks.retry, name="editor_retry"),
]
