"""The database that an evaluation works in: never the real one."""

import pytest
from django.db import connection

from kb.evaluation import EvaluationError, throwaway
from kb.evaluation.throwaway import throwaway_database
from kb.models import Audience

pytestmark = pytest.mark.django_db(transaction=True)


def test_another_database_is_reached_although_connections_to_the_real_one_are_open() -> None:
    Audience.objects.create(name="Everyone", kind=Audience.Kind.EVERYONE)
    real = connection.settings_dict["NAME"]
    with throwaway_database("thrown") as name:
        throwaway.expect_database(f"{real}_thrown")
        assert name == f"{real}_thrown"
        assert not Audience.objects.exists()
    throwaway.expect_database(real)
    assert Audience.objects.count() == 1


def test_nothing_is_written_where_the_connection_leads_elsewhere() -> None:
    with pytest.raises(EvaluationError, match=r"^The connection leads to the database \S+ instead of other\. Nothing"):
        throwaway.expect_database("other")
