"""The ASGI application: pages over HTTP, and sockets that follow answers."""

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from channels.sessions import SessionMiddlewareStack
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
pages = get_asgi_application()  # sets Django up, so it comes before anything that imports models

from kb import embedding  # noqa: E402
from streaming.draining import drained  # noqa: E402
from streaming.routing import websocket_urlpatterns  # noqa: E402

embedding.warm()

# A socket is not covered by CSRF tokens: only pages of our own hosts may open one. Who the reader is, the consumer asks
# of the session itself, anew at every wish.
application = drained(
    ProtocolTypeRouter(
        {
            "http": pages,
            "websocket": AllowedHostsOriginValidator(SessionMiddlewareStack(URLRouter(websocket_urlpatterns))),
        }
    )
)
