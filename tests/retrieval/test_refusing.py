"""Refusal, calibrated for each help center."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import F
from pytest_django import Settings

from kb import refusing
from kb.models import Article, Audience, Calibration, Collection
from kb.refusing import EVERYWHERE, START, Evidence, at_target, bank, enough, recalibrate, threshold
from tests import factories


@pytest.fixture
def article(collection: Collection, everyone: Audience, index: Callable[[], int]) -> Article:
    made = factories.article("Restore an older version", "Open the history and press Restore.", collection=collection)
    index()
    return made


def test_the_bank_has_some_hundred_questions_of_many_fields_and_none_twice() -> None:
    questions = [question for _, question in bank()]
    assert len(questions) >= 400
    assert len(set(questions)) == len(questions)
    assert len({field for field, _ in bank()}) >= 30


def test_what_fits_as_well_as_the_threshold_is_answered(settings: Settings) -> None:
    settings.ANSWER_THRESHOLD = 1.0
    assert enough(Evidence(best=0.8, around=0.4, foreign=0.3, length=8))
    assert not enough(Evidence(best=0.7, around=0.4, foreign=0.3, length=4))
    assert not enough(Evidence(best=0.8, around=0.4, foreign=0.3, length=1))
    assert not enough(None)


def test_a_higher_target_refuses_more() -> None:
    levels = [at_target(target, middle=0.4, spread=0.3, everywhere=EVERYWHERE) for target in (0.5, 0.8, 0.95, 0.99)]
    assert levels == sorted(levels)
    assert at_target(0.95, middle=9.0, spread=0.0, everywhere=EVERYWHERE) == (9.0 + EVERYWHERE) / 2


@pytest.mark.django_db
def test_without_a_calibration_the_usual_threshold_holds_and_a_setting_overrides_all(settings: Settings) -> None:
    settings.ANSWER_THRESHOLD = None
    assert threshold() == START
    settings.ANSWER_THRESHOLD = 0.7
    assert threshold() == 0.7


def test_it_is_calibrated_once_after_the_articles_have_changed(
    article: Article, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ANSWER_THRESHOLD = None
    few = bank()[::40]
    monkeypatch.setattr(refusing, "bank", lambda: few)
    assert recalibrate()
    row = Calibration.objects.get()
    assert row.questions == len(few)
    assert refusing.vectors_of(row.pk, row.computed).shape == (len(few), 384)
    assert threshold() == at_target(0.95, middle=row.middle, spread=row.spread, everywhere=None)
    assert not recalibrate()
    Calibration.objects.update(computed=F("computed") - timedelta(days=1))  # a test has one moment
    assert recalibrate()
    assert Calibration.objects.count() == 1


def test_it_waits_until_the_index_has_come_to_rest(article: Article, author: object) -> None:
    article.job.state = "queued"
    article.job.save()
    assert not recalibrate()
