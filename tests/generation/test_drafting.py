"""Who writes when the generator cannot, what is generated once for many, and what a day may cost."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from kb import drafting, replaying, retention, spending
from kb.drafting import Note
from kb.errors import ProviderError
from kb.generation import Cite, Text, Usage, get_generator
from kb.grounding import Prompt
from kb.models import Generation, Spending
from kb.providers.anthropic import AnthropicGenerator
from kb.replaying import Flight
from kb.threads import database
from tests.generation.conftest import INDEX, RESTORE, make_source, prompt, written
from tests.generation.test_anthropic import FAULTS, LATE, QUESTION
from tests.loopback.serving import LoopbackServer

pytestmark = pytest.mark.django_db(transaction=True)
Deltas = list[Any]


@pytest.fixture
def paid(anthropic: AnthropicGenerator, settings: Any, short_waits: None) -> Iterator[None]:
    """The help center answers with the loopback model."""
    settings.GENERATOR = "kb.providers.anthropic.AnthropicGenerator"
    get_generator.cache_clear()
    yield
    get_generator.cache_clear()


async def drafted(asked: Prompt) -> Deltas:
    return [delta async for delta in drafting.deltas(asked)]


def notes(deltas: Deltas) -> list[Note]:
    return [delta for delta in deltas if isinstance(delta, Note)]


def said(deltas: Deltas) -> str:
    return written([delta for delta in deltas if not isinstance(delta, Note)])


def billed(deltas: Deltas) -> int:
    return sum(delta.input for delta in deltas if isinstance(delta, Usage))


@pytest.mark.parametrize("directive", FAULTS)
async def test_quoting_takes_over_when_the_model_fails_before_the_first_word(paid: None, directive: str) -> None:
    deltas = await drafted(prompt(f"{QUESTION} [[{directive}]]"))
    (note,) = notes(deltas)
    assert note.generator == "quoting"
    assert note.message.endswith(". Here are the articles’ own words instead.")
    assert "check " not in note.message  # what only the operator can mend is in the log
    assert "Press Restore" in said(deltas)


@pytest.mark.parametrize("directive", LATE)
async def test_what_was_shown_stays_when_the_model_fails_in_the_middle(paid: None, directive: str) -> None:
    shown: Deltas = []

    async def listen() -> None:
        async for delta in drafting.deltas(prompt(f"{QUESTION} [[{directive}]]")):
            shown.append(delta)

    with pytest.raises(ProviderError):
        await listen()
    assert said(shown)
    assert not notes(shown)


async def test_the_same_request_is_replayed_with_its_time_and_costs_nothing(
    paid: None, loopback: LoopbackServer
) -> None:
    before = loopback.stats()["requests"]
    first = await drafted(prompt(QUESTION))
    again = await drafted(prompt(QUESTION))
    assert loopback.stats()["requests"] - before == 1
    assert said(again) == said(first) != ""
    (note,) = notes(again)
    row = await database(Generation.objects.get)()
    assert note.replayed == row.finished
    assert billed(first) > 0
    assert billed(again) == 0


async def test_asked_again_it_is_generated_anew_and_that_is_kept_from_then_on(
    paid: None, loopback: LoopbackServer
) -> None:
    before = loopback.stats()["requests"]
    await drafted(prompt(QUESTION))
    old = await database(Generation.objects.get)()
    results = await asyncio.gather(*(drafted(replace(prompt(QUESTION), anew=True)) for _ in range(5)))
    assert loopback.stats()["requests"] - before == 2  # several who ask again at once share it
    assert not any(map(notes, results))
    (note,) = notes(await drafted(prompt(QUESTION)))
    assert note.replayed is not None
    assert note.replayed > old.finished
    assert loopback.stats()["requests"] - before == 2


@pytest.mark.parametrize(
    "other",
    [
        Prompt(QUESTION, (make_source(RESTORE),)),
        Prompt(QUESTION, tuple(reversed(prompt("").sources))),
        Prompt(QUESTION, (make_source(RESTORE.replace("draft", "Draft")), prompt("").sources[1])),
        Prompt(QUESTION, (make_source(RESTORE, number=7), make_source(INDEX, number=2))),
        Prompt(f"{QUESTION} ", prompt("").sources),
    ],
)
def test_other_passages_another_order_or_question_are_another_request(paid: None, other: Prompt) -> None:
    generator = AnthropicGenerator()
    assert replaying.key_of(generator, other) != replaying.key_of(generator, prompt(QUESTION))


@pytest.mark.parametrize("setting", ["ANTHROPIC_MODEL", "ANTHROPIC_EFFORT", "ANTHROPIC_MAX_TOKENS"])
def test_other_settings_are_another_request(paid: None, settings: Any, setting: str) -> None:
    before = replaying.key_of(AnthropicGenerator(), prompt(QUESTION))
    setattr(settings, setting, 77 if "TOKENS" in setting else "other")
    assert replaying.key_of(AnthropicGenerator(), prompt(QUESTION)) != before


async def test_a_kept_text_is_forgotten_after_its_time(paid: None, loopback: LoopbackServer) -> None:
    await drafted(prompt(QUESTION))
    await database(Generation.objects.update)(finished=timezone.now() - timedelta(days=8))
    before = loopback.stats()["requests"]
    assert not notes(await drafted(prompt(QUESTION)))
    assert loopback.stats()["requests"] - before == 1
    await database(Generation.objects.update)(beat=timezone.now() - timedelta(days=8))
    assert await database(retention.forget)() == 1


@pytest.mark.parametrize("directive", ["max-tokens", "drop"])
async def test_what_is_not_whole_is_not_kept(paid: None, directive: str) -> None:
    with suppress(ProviderError):
        await drafted(prompt(f"{QUESTION} [[{directive}]]"))
    assert not await database(Generation.objects.filter(state="done").count)()


async def test_fifty_who_ask_the_same_at_once_cost_one_generation(paid: None, loopback: LoopbackServer) -> None:
    before = loopback.stats()["requests"]
    results = await asyncio.gather(*(drafted(prompt(f"{QUESTION} [[slow=0.01]]")) for _ in range(50)))
    assert loopback.stats()["requests"] - before == 1
    assert len({said(deltas) for deltas in results}) == 1
    assert sum(billed(deltas) > 0 for deltas in results) == 1
    assert all(isinstance(delta, Cite | Text | Usage) for deltas in results for delta in deltas)


async def test_another_process_reads_along(paid: None, loopback: LoopbackServer) -> None:
    """Two event loops have nothing in common but the database, as two processes."""
    before = loopback.stats()["requests"]
    asked = prompt(f"{QUESTION} [[slow=0.02]]")
    here = asyncio.create_task(drafted(asked))
    await wait_for(lambda: bool(replaying._flights()))
    elsewhere = await asyncio.to_thread(asyncio.run, drafted(asked))
    assert said(elsewhere) == said(await here)
    assert loopback.stats()["requests"] - before == 1


async def test_one_who_leaves_stops_nobody_else_and_the_last_one_stops_the_model(
    paid: None, loopback: LoopbackServer
) -> None:
    cancelled = loopback.stats()["cancelled"]
    asked = prompt(f"{QUESTION} [[slow=0.1]]")
    first, second = asyncio.create_task(drafted(asked)), asyncio.create_task(drafted(asked))
    await wait_for(lambda: any(flight.readers == 2 and flight.deltas for flight in replaying._flights().values()))
    first.cancel()
    await asyncio.sleep(0.5)
    assert loopback.stats()["cancelled"] == cancelled
    second.cancel()
    stats = await asyncio.to_thread(loopback.wait_for, cancelled=cancelled + 1, open=0)
    assert stats["cancelled"] == cancelled + 1
    await wait_for(lambda: not replaying._flights())


async def test_a_process_that_died_is_replaced_when_nothing_was_shown(paid: None) -> None:
    key = replaying.key_of(AnthropicGenerator(), prompt(QUESTION))
    dead = await database(replaying.look)(key, seen=None)
    assert dead.mine
    assert not (await database(replaying.look)(key, seen=None)).mine
    await database(Generation.objects.update)(beat=timezone.now() - timedelta(seconds=11))
    assert said(await drafted(prompt(QUESTION)))


async def test_a_failure_is_shared_by_those_who_waited_and_tried_again_by_those_who_come_later(
    paid: None, loopback: LoopbackServer
) -> None:
    before = loopback.stats()["requests"]
    asked = prompt(f"{QUESTION} [[no-money]]")
    await asyncio.gather(*(drafted(asked) for _ in range(5)))
    assert loopback.stats()["requests"] - before == 1
    await drafted(asked)
    assert loopback.stats()["requests"] - before == 2


async def test_heartbeats_that_fail_leave_nobody_waiting_and_the_text_is_kept(
    paid: None, loopback: LoopbackServer
) -> None:
    before = loopback.stats()["requests"]
    asked = prompt(f"{QUESTION} [[slow=0.05]]")
    reading = asyncio.create_task(drafted(asked))
    await wait_for(lambda: any(flight.deltas for flight in replaying._flights().values()))
    await database(away)(replaying.BEAT_SECONDS * 2)
    first = await asyncio.wait_for(reading, 30)
    assert not replaying._flights()
    assert said(await drafted(asked)) == said(first) != ""
    assert loopback.stats()["requests"] - before == 1


def away(seconds: float) -> None:
    """The table is not there for a while, so that everything about it fails."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE kb_generation RENAME TO kb_generation_away")
        time.sleep(seconds)
        cursor.execute("ALTER TABLE kb_generation_away RENAME TO kb_generation")


# --- money


def test_the_price_is_the_longest_name_that_fits_and_an_unknown_model_is_the_dearest(settings: Any) -> None:
    settings.MODEL_PRICES = {"a": (1, 2, 3, 4), "a-b": (5, 6, 7, 8), "z": (9, 9, 9, 9)}
    assert spending.price("a-b-c")[0] == 5
    assert spending.price("a-c")[0] == 1
    assert spending.price("new")[0] == 9


def test_a_call_costs_what_its_tokens_cost() -> None:
    usage = Usage("claude-sonnet-5-5", 1_000, 500, 10_000, 2_000, "end_turn")
    assert spending.cost(usage) == Decimal("0.002") + Decimal("0.005") + Decimal("0.001") + Decimal("0.005")
    assert spending.cost(Usage("quoting", 0, 0, 0, 0, "end_turn")) == 0


async def test_the_day_is_charged_what_the_call_cost(paid: None) -> None:
    deltas = await drafted(prompt(QUESTION))
    usage = next(delta for delta in deltas if isinstance(delta, Usage))
    assert (await database(Spending.objects.get)()).amount == round(spending.cost(usage), 6) > 0


async def test_a_stopped_call_is_charged_by_what_was_sent_and_came(paid: None) -> None:
    task = asyncio.create_task(drafted(prompt(f"{QUESTION} [[slow=0.1]]")))
    await wait_for(lambda: any(flight.deltas for flight in replaying._flights().values()))
    task.cancel()
    await wait_for(lambda: not replaying._flights())
    charged = (await database(Spending.objects.get)()).amount
    assert 0 < charged < spending.most(AnthropicGenerator().request(prompt(QUESTION)))


async def test_nothing_is_billed_once_the_budget_is_reached_and_quoting_goes_on(
    paid: None, loopback: LoopbackServer, settings: Any
) -> None:
    one = spending.most(AnthropicGenerator().request(prompt(f"{QUESTION} 00")))
    settings.BUDGET_PER_DAY = float(one * Decimal("3.5"))
    before = loopback.stats()["requests"]
    results = await asyncio.gather(*(drafted(prompt(f"{QUESTION} {number:02}")) for number in range(20)))
    made = loopback.stats()["requests"] - before
    quoted = [deltas for deltas in results if notes(deltas)]
    assert 3 <= made < 20  # what a call did not use of its share lets another one in
    assert len(quoted) == 20 - made
    assert all("used up for today. Here are the articles’ own words" in notes(deltas)[0].message for deltas in quoted)
    assert (await database(Spending.objects.get)()).amount <= Decimal(str(settings.BUDGET_PER_DAY))
    await database(Spending.objects.update)(amount=settings.BUDGET_PER_DAY)
    made = loopback.stats()["requests"]
    for number in range(5):
        assert notes(await drafted(prompt(f"Once more {number}: {QUESTION}")))
    assert loopback.stats()["requests"] == made


def test_a_call_is_settled_on_the_day_it_began(settings: Any) -> None:
    settings.BUDGET_PER_DAY = 10
    day = spending.reserve(Decimal(3))
    assert day
    Spending.objects.update(day=day - timedelta(days=1))  # midnight passes
    assert spending.reserve(Decimal(5)) == day
    spending.settle(day - timedelta(days=1), Decimal(3), Decimal(1))
    assert list(Spending.objects.order_by("day").values_list("amount", flat=True)) == [Decimal(1), Decimal(5)]


def test_no_budget_is_no_limit(settings: Any) -> None:
    settings.BUDGET_PER_DAY = 0
    assert spending.reserve(Decimal(1000))


async def wait_for(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.02)


def test_flights_are_of_one_event_loop() -> None:
    async def found() -> dict[str, Flight]:
        return replaying._flights()

    assert asyncio.run(found()) is not asyncio.run(found())
