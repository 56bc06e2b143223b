"""Addresses of the pages about reviews, schedules, the trash, and many articles at once."""

from django.urls import path

from portal.editor import bulk, reviews, schedule, trash

urlpatterns = [
    path("reviews/", reviews.index, name="editor_reviews"),
    path("trash/", trash.index, name="editor_trash"),
    path("bulk/", bulk.bulk, name="editor_bulk"),
    path("batches/<int:pk>/", bulk.batch, name="editor_batch"),
    path("batches/<int:pk>/undo/", bulk.undo, name="editor_undo"),
    path("articles/<int:pk>/review/", reviews.review, name="editor_review"),
    path("articles/<int:pk>/schedule/", schedule.schedule, name="editor_schedule"),
    path("articles/<int:pk>/delete/", trash.delete, name="editor_delete"),
    path("articles/<int:pk>/untrash/", trash.restore, name="editor_untrash"),
]
