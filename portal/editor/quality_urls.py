"""Addresses of the pages about search quality and unanswered questions."""

from django.urls import path

from portal.editor import cases, quality, questions, sets

urlpatterns = [
    path("quality/", quality.index, name="editor_quality"),
    path("quality/sets/new/", sets.create, name="editor_quality_create"),
    path("quality/sets/<int:pk>/", quality.show, name="editor_quality_set"),
    path("quality/sets/<int:pk>/run/", sets.run, name="editor_quality_run"),
    path("quality/sets/<int:pk>/compare/", quality.compare, name="editor_quality_compare"),
    path("quality/sets/<int:pk>/export/", sets.export, name="editor_quality_export"),
    path("quality/sets/<int:pk>/import/", sets.take, name="editor_quality_import"),
    path("quality/sets/<int:pk>/delete/", sets.delete, name="editor_quality_delete"),
    path("quality/cases/new/", cases.create, name="editor_case_create"),
    path("quality/cases/<int:pk>/", cases.edit, name="editor_case"),
    path("quality/cases/<int:pk>/delete/", cases.delete, name="editor_case_delete"),
    path("questions/", questions.index, name="editor_questions"),
    path("questions/dismiss/", questions.dismiss, name="editor_question_dismiss"),
]
