"""The Django admin of the knowledge base: who may read and write, and what the index and the answers did.

Articles and versions are not here: their text changes only through publishing, so that every change has its version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from kb import outbox, tasks
from kb.models import Answer, AnswerSource, Audience, AuditEntry, Collection, IndexJob, Membership

if TYPE_CHECKING:
    AnyAdmin = admin.ModelAdmin[Model]
    AudienceBase = admin.ModelAdmin[Audience]
    CollectionBase = admin.ModelAdmin[Collection]
    MembershipBase = admin.ModelAdmin[Membership]
    SourceBase = admin.TabularInline[AnswerSource, Answer]
else:
    AnyAdmin = AudienceBase = CollectionBase = MembershipBase = admin.ModelAdmin
    SourceBase = admin.TabularInline


class ReadOnlyAdmin(AnyAdmin):
    """To look at, not to change."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Audience)
class AudienceAdmin(AudienceBase):
    list_display = ["name", "kind", "group_names"]
    list_filter = ["kind"]
    filter_horizontal = ["groups"]
    search_fields = ["name"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Audience]:
        return super().get_queryset(request).prefetch_related("groups")

    @admin.display(description="groups")
    def group_names(self, audience: Audience) -> str:
        return ", ".join(group.name for group in audience.groups.all())


@admin.register(Collection)
class CollectionAdmin(CollectionBase):
    list_display = ["name", "audience", "position"]
    list_select_related = ["audience"]
    list_editable = ["position"]
    prepopulated_fields = {"slug": ["name"]}
    search_fields = ["name"]


@admin.register(Membership)
class MembershipAdmin(MembershipBase):
    list_display = ["user", "role", "where"]
    list_filter = ["role", "collection"]
    list_select_related = ["user", "collection"]
    autocomplete_fields = ["user", "collection"]
    search_fields = ["user__username", "user__first_name", "user__last_name", "user__email"]

    @admin.display(description="collection", ordering="collection__name")
    def where(self, membership: Membership) -> str:
        return str(membership.collection or "every collection")


@admin.register(IndexJob)
class IndexJobAdmin(ReadOnlyAdmin):
    """The outbox: what waits, what runs, and what failed and why."""

    list_display = ["article", "state", "attempts", "error", "requested", "updated"]
    list_filter = ["state"]
    list_select_related = ["article__latest_version"]
    search_fields = ["article__slug", "error"]
    ordering = ["-updated"]
    actions = ["retry"]

    @admin.action(description="Index the selected articles once more", permissions=["retry"])
    def retry(self, request: HttpRequest, jobs: QuerySet[IndexJob]) -> None:
        with transaction.atomic():
            chosen = list(jobs.select_related("article"))
            for job in chosen:
                outbox.request(job.article)
                tasks.wake_on_commit(job.article_id)
        self.message_user(request, f"{len(chosen)} asked for once more.", messages.SUCCESS)

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("kb.change_indexjob")


class SourceInline(SourceBase):
    model = AnswerSource
    readonly_fields = ("number", "version", "passage", "heading_path", "anchor", "score")
    fields = readonly_fields
    extra = 0
    can_delete = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[AnswerSource]:
        return super().get_queryset(request).select_related("version", "passage")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Answer)
class AnswerAdmin(ReadOnlyAdmin):
    list_display = ["question", "state", "generator", "created"]
    list_filter = ["state", "generator", "created"]
    search_fields = ["question"]
    inlines = [SourceInline]


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ["at", "by", "action", "article", "detail"]
    list_filter = ["action", "at"]
    list_select_related = ["by", "article__latest_version"]
    search_fields = ["article__slug", "by__username", "detail"]
