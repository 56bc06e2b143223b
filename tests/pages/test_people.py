"""People: the list, and inviting somebody."""

import re

import pytest
from django.contrib.auth.models import Group
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.test import RequestFactory

from kb.models import Membership
from portal.models import User
from portal.people import Invitation, invite
from tests import factories

pytestmark = pytest.mark.django_db


def send(client, **form):
    return client.post("/editor/people/invite/", {"email": "new@example.org", "role": "", **form}, follow=True)


def test_the_list_names_everybody_with_roles_and_groups(client, admin, author, operator):
    client.force_login(admin)
    page = client.get("/editor/people/").content.decode()
    assert "author of Guides" in page
    assert "Operators" in page
    assert "operator@example.org" in page


def test_people_are_found_by_name_or_address(client, admin, author, reader):
    client.force_login(admin)
    page = client.get("/editor/people/", {"q": "author@"}).content.decode()
    assert "author of Guides" in page
    assert "reader@example.org" not in page
    assert "Nobody here is called" in client.get("/editor/people/", {"q": "zzz"}).content.decode()


@pytest.mark.parametrize("url", ["/editor/people/", "/editor/people/invite/"])
def test_only_admins_of_everything_come_in(client, url, reader, editor, author, outsider):
    assert "/accounts/login/" in client.get(url)["Location"]
    for user in (reader, editor, author, outsider):
        client.force_login(user)
        assert client.get(url).status_code == 403


def test_an_admin_of_one_collection_may_not_hand_out_groups(client, collection):
    client.force_login(factories.person("local", role="admin", where=collection))
    assert send(client).status_code == 403
    assert not User.objects.filter(email="new@example.org").exists()


def test_the_rule_also_holds_below_the_page(editor):
    with pytest.raises(PermissionDenied):
        invite(Invitation("new@example.org"), by=editor, request=RequestFactory().get("/"))


def test_an_invited_person_gets_groups_and_roles(
    client, admin, collection, operators, django_capture_on_commit_callbacks
):
    client.force_login(admin)
    group = Group.objects.get(name="Operators")
    with django_capture_on_commit_callbacks(execute=True):
        page = send(client, name="Ines Duarte", groups=[group.pk], role="author", collections=[collection.pk])
    assert "An invitation is on its way to new@example.org." in page.content.decode()
    user = User.objects.get(email="new@example.org")
    assert (user.first_name, user.last_name, user.has_usable_password()) == ("Ines", "Duarte", False)
    assert list(user.groups.all()) == [group]
    assert list(Membership.objects.filter(user=user).values_list("role", "collection")) == [("author", collection.pk)]


def test_a_role_without_collections_counts_everywhere(client, admin):
    client.force_login(admin)
    send(client, role="reviewer")
    assert Membership.objects.get(user__email="new@example.org").collection is None


def test_the_link_of_an_invitation_lets_one_choose_a_password_and_sign_in(
    client, admin, django_capture_on_commit_callbacks
):
    client.force_login(admin)
    with django_capture_on_commit_callbacks(execute=True):
        send(client)
    client.logout()
    message = mail.outbox[0]
    assert message.to == ["new@example.org"]
    assert message.subject == "You are invited to Footnote"
    link = re.search(r"http://testserver(\S+)", message.body)[1]
    form = client.get(link, follow=True)
    new = {"password1": "a quite new sentence", "password2": "a quite new sentence"}
    client.post(form.request["PATH_INFO"], new)
    assert client.login(username=User.objects.get(email="new@example.org").username, password="a quite new sentence")


def test_an_address_that_has_an_account_is_not_invited_again(client, admin, reader):
    client.force_login(admin)
    page = send(client, email="reader@example.org").content.decode()
    assert "There is an account with this address already." in page


def test_when_no_mail_gets_out_the_page_says_so(client, admin, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    client.force_login(admin)
    send(client)
    invited = User.objects.get(email="new@example.org")
    page = client.post(f"/editor/people/{invited.pk}/invite-again/", follow=True).content.decode()
    assert "no mail gets out" in page


def test_an_invitation_can_be_sent_again_until_there_is_a_password(client, admin, reader):
    client.force_login(admin)
    send(client)
    invited = User.objects.get(email="new@example.org")
    client.post(f"/editor/people/{invited.pk}/invite-again/")
    assert len(mail.outbox) == 1
    page = client.post(f"/editor/people/{reader.pk}/invite-again/", follow=True).content.decode()
    assert "has a password already" in page
    assert len(mail.outbox) == 1
