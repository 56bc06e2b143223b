"""Questions lose their askers after a while, and then go."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone

from kb import recording, retention, tasks
from kb.models import Answer, Feedback
from kb.recalling import session_hash
from portal.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(reader: User) -> Any:
    def made(days: int) -> Answer:
        answer = recording.ask("How long?", user=reader, session_key="a-session", visitor="where")
        Feedback.objects.create(answer=answer, session_hash=session_hash("a-session"), helped=True)
        ago = timezone.now() - timedelta(days=days)
        Answer.objects.filter(pk=answer.pk).update(created=ago)
        Feedback.objects.filter(answer=answer).update(created=ago)
        return answer

    return made


def test_an_old_question_keeps_its_words_and_loses_who_asked(asked: Any, settings: Any) -> None:
    old, new = asked(31), asked(29)
    assert retention.keep() == {"anonymised": 1, "deleted": 0, "forgotten": 0}
    old.refresh_from_db()
    new.refresh_from_db()
    assert (old.asker, old.session_hash, old.visitor, old.question) == (None, "", "", "How long?")
    assert new.asker is not None
    assert new.visitor == "where"
    assert Feedback.objects.get(answer=old).session_hash != session_hash("a-session") != ""
    assert Feedback.objects.get(answer=new).session_hash == session_hash("a-session")
    assert retention.keep()["anonymised"] == 0


def test_an_older_one_goes_with_its_opinions_and_what_followed_stays(asked: Any) -> None:
    old = asked(366)
    later = recording.ask("And then?", user=AnonymousUser(), session_key=None, previous=old)
    assert tasks.keep_questions() == {"anonymised": 1, "deleted": 1, "forgotten": 0}
    later.refresh_from_db()
    assert later.previous is None
    assert not Feedback.objects.exists()


def test_nought_days_is_for_ever(asked: Any, settings: Any) -> None:
    settings.ANONYMISE_DAYS = settings.DELETE_DAYS = 0
    asked(9999)
    assert retention.keep() == {"anonymised": 0, "deleted": 0, "forgotten": 0}
