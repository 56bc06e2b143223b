"""Follow-ups made to stand alone by the model; by the rule when there is none, or when it cannot."""

from collections.abc import Iterator
from typing import Any

import pytest

from kb.generation import get_generator
from kb.grounding import Turn
from kb.models import Spending
from kb.providers.anthropic import AnthropicGenerator
from kb.rewriting import standalone
from kb.threads import database
from tests.loopback.serving import LoopbackServer

pytestmark = pytest.mark.django_db(transaction=True)
BEFORE = (Turn("How do I publish an article?", "Press Publish."),)
BY_RULE = "How do I undo it? publish article"


@pytest.fixture
def paid(
    anthropic: AnthropicGenerator, settings: Any, short_waits: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """The help center answers with the loopback model."""
    monkeypatch.setattr("kb.rewriting.SECONDS", 60.0)  # the first call imports the SDK
    settings.GENERATOR = "kb.providers.anthropic.AnthropicGenerator"
    get_generator.cache_clear()
    yield
    get_generator.cache_clear()


async def test_the_model_makes_it_stand_alone_and_that_is_paid_for(paid: None, loopback: LoopbackServer) -> None:
    before = loopback.stats()["requests"]
    text, calls = await standalone("How do I undo it?", BEFORE)
    assert text == "How do I undo it? (as in: How do I publish an article?)"
    assert [call.stop_reason for call in calls] == ["end_turn"]
    assert (await database(Spending.objects.get)()).amount > 0
    assert await standalone("How do I undo it?", BEFORE) != (text, calls)  # kept, so it cost nothing
    assert loopback.stats()["requests"] - before == 1


async def test_a_first_question_costs_nothing(paid: None, loopback: LoopbackServer) -> None:
    before = loopback.stats()["requests"]
    assert await standalone("How do I undo it?", ()) == ("How do I undo it?", ())
    assert loopback.stats()["requests"] == before


@pytest.mark.parametrize("directive", ["overloaded", "bad-key", "drop", "refuse"])
async def test_when_the_model_fails_the_rule_does_it(paid: None, directive: str) -> None:
    text, _ = await standalone(f"How do I undo it? [[{directive}]]", BEFORE)
    assert text == BY_RULE.replace("?", f"? [[{directive}]]", 1)


async def test_a_slow_model_is_not_waited_for(paid: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kb.rewriting.SECONDS", 0.3)
    text, _ = await standalone("How do I undo it? [[slow=1]]", BEFORE)
    assert text.endswith("publish article")


async def test_over_budget_the_rule_does_it_and_nothing_is_sent(
    paid: None, settings: Any, loopback: LoopbackServer
) -> None:
    settings.BUDGET_PER_DAY = 0.000001
    before = loopback.stats()["requests"]
    assert await standalone("How do I undo it?", BEFORE) == (BY_RULE, ())
    assert loopback.stats()["requests"] == before
