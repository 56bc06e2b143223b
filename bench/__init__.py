"""Benchmarks and quality measurements; each prints a table. Importing this readies Django, so that `python -m` works."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()
