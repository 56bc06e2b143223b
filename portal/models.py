"""People: our own user model, from the first migration on."""

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """A person with an account: a signed-in reader, and with memberships (kb.Membership) an editor."""

    def __str__(self) -> str:
        return self.get_full_name() or self.username
