"""Addresses of the sockets."""

from django.urls import path, re_path

from streaming.consumers import AnswerConsumer, NothingHere

websocket_urlpatterns = [
    path("ws/answers/<uuid:answer_id>/", AnswerConsumer.as_asgi()),
    re_path("", NothingHere.as_asgi()),
]
