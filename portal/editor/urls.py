"""Addresses of the editor's pages."""

from django.urls import path

from portal.editor import articles, chunks, desk, explain, history, index, picking, pictures, states, writing

urlpatterns = [
    path("", articles.index, name="editor_articles"),
    path("explain/", explain.explain, name="editor_explain"),
    path("index/", index.index, name="editor_index"),
    path("index/retry/", index.retry_all, name="editor_retry_all"),
    path("preview/", writing.preview, name="editor_preview"),
    path("images/", pictures.upload, name="editor_upload"),
    path("picking/", picking.articles, name="editor_picking"),
    path("articles/new/", writing.create, name="editor_create"),
    path("articles/new/autosave/", desk.autosave, name="editor_autosave_new"),
    path("articles/<int:pk>/", writing.edit, name="editor_edit"),
    path("articles/<int:pk>/autosave/", desk.autosave, name="editor_autosave"),
    path("articles/<int:pk>/company/", desk.company, name="editor_company"),
    path("desk/<uuid:key>/", desk.left, name="editor_left"),
    path("desk/<uuid:key>/discard/", desk.discard, name="editor_discard"),
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
