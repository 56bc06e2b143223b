"""Benchmarks: quality, speed and size, each against a reference in the same run. Importing this readies Django."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django.setup()
