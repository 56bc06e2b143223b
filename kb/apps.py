"""Tells Django of the knowledge base."""

from django.apps import AppConfig


class KnowledgeBaseConfig(AppConfig):
    name = "kb"
    verbose_name = "Knowledge base"

    def ready(self) -> None:
        from kb import checks  # noqa: F401  # registers itself; it needs the models
