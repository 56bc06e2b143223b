"""The Django admin of people: accounts with their groups and their roles as editors. Groups are Django's own page."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
