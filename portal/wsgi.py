"""The WSGI application, for pages; `/ask/`, `/answers/` and `/ws/` belong to the ASGI one."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
application = get_wsgi_application()

from kb import embedding  # noqa: E402  # Django is set up first

embedding.warm()
