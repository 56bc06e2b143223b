"""Addresses of questions and answers."""

from django.urls import path

from portal.public import ask

urlpatterns = [
    path("ask/", ask.ask, name="ask"),
    path("answers/<uuid:answer_id>/", ask.answer, name="answer"),
    path("answers/<uuid:answer_id>/stop/", ask.stop, name="answer_stop"),
    path("answers/<uuid:answer_id>/feedback/", ask.feedback, name="answer_feedback"),
]
