"""The form by which an admin invites a person."""

from __future__ import annotations

from allauth.account.utils import filter_users_by_email
from django import forms
from django.contrib.auth.models import Group

from kb.models import Collection
from kb.permissions import ROLES
from portal.people import Invitation


class InvitationForm(forms.Form):
    """An e-mail address is enough; groups decide what the person may read, a role what they may do."""

    email = forms.EmailField(label="E-mail address", max_length=254, widget=forms.EmailInput({"autocomplete": "off"}))
    name = forms.CharField(required=False, max_length=150, widget=forms.TextInput({"autocomplete": "off"}))
    groups = forms.ModelMultipleChoiceField(
        Group.objects.order_by("name"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Members of a group may read the articles meant for it.",
    )
    role = forms.ChoiceField(
        choices=[("", "Reader only"), *((role, role.capitalize()) for role in ROLES)],
        required=False,
        help_text="Authors write, reviewers approve, publishers publish, admins do all that and manage people.",
    )
    collections = forms.ModelMultipleChoiceField(
        Collection.objects.all(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Where the role counts. None ticked: in all collections, also in those made later.",
    )

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        if filter_users_by_email(email):
            raise forms.ValidationError("There is an account with this address already.")
        return email

    def invitation(self) -> Invitation:
        return Invitation(**self.cleaned_data)
