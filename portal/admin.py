"""The Django admin of people: accounts with their groups and their roles as editors. Groups are Django's own page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allauth.account.decorators import secure_admin_login
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from kb.models import Membership
from portal.models import User

if TYPE_CHECKING:
    MembershipBase = admin.TabularInline[Membership, User]
    UserBase = UserAdmin[User]
else:
    MembershipBase = admin.TabularInline
    UserBase = UserAdmin


admin.site.site_header = admin.site.site_title = f"{settings.SITE_NAME}: all that is stored"
admin.site.index_title = "Tables"
# One way to sign in, with one limit on wrong passwords: the admin's own form has none.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]  # as allauth documents it


class MembershipInline(MembershipBase):
    """A person's roles; without a collection a role counts for all of them."""

    model = Membership
    autocomplete_fields = ["collection"]
    extra = 0


@admin.register(User)
class PersonAdmin(UserBase):
    list_display = ["username", "email", "first_name", "last_name", "is_active", "is_staff"]
    list_filter = ["is_active", "is_staff", "groups", "memberships__role"]
    inlines = [MembershipInline]
