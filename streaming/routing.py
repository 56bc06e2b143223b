"""Addresses of the sockets."""

from django.urls import path

from streaming.consumers import AnswerConsumer

websocket_urlpatterns = [
    path("ws/answers/<uuid:answer_id>/", AnswerConsumer.as_asgi()),
]
