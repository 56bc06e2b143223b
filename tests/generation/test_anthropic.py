"""The Anthropic provider through the real SDK, against the loopback server."""

import asyncio
from contextlib import aclosing

import pytest
from pytest_django import Settings

from kb.errors import ProviderError
from kb.generation import Cite, Delta, Generator, Text, Usage, get_generator
from kb.grounding import Prompt, Turn
from kb.providers.anthropic import AnthropicGenerator
from tests.generation.conftest import collect, make_source, prompt, written
from tests.loopback.serving import LoopbackServer

QUESTION = "How do I restore an older version?"


def usages(deltas: list[Delta]) -> list[Usage]:
    return [delta for delta in deltas if isinstance(delta, Usage)]


async def failing(generator: Generator, question: str) -> tuple[list[Delta], ProviderError]:
    """What came before the fault, and the fault."""
    deltas: list[Delta] = []
    try:
        async for delta in generator.stream(prompt(question)):
            deltas.append(delta)
    except ProviderError as failure:
        return deltas, failure
    raise AssertionError("no fault was told")


async def test_every_citation_names_the_sentence_just_written(anthropic: AnthropicGenerator) -> None:
    asked = prompt(QUESTION)
    said = ""
    cited = 0
    for delta in await collect(anthropic.stream(asked)):
        if isinstance(delta, Text):
            said += delta.text
        elif isinstance(delta, Cite):
            source = asked.sources[delta.source - 1]
            assert said.endswith(source.sentences[delta.end - 1].text)
            assert delta.end == delta.start + 1
            cited += 1
    assert cited >= 3
    assert "To restore an older version:" in said


async def test_usage_ends_the_stream_and_the_second_question_reads_the_cached_system_prompt(
    anthropic: AnthropicGenerator,
) -> None:
    first = (await collect(anthropic.stream(prompt(QUESTION))))[-1]
    second = (await collect(anthropic.stream(prompt(QUESTION))))[-1]
    assert isinstance(first, Usage)
    assert isinstance(second, Usage)
    assert first.model == "claude-sonnet-5-5"
    assert first.stop_reason == "end_turn"
    assert first.input > 100
    assert first.output > 20
    assert second.cache_read > 100
    assert second.cache_write == 0


async def test_the_request_holds_one_text_block_a_sentence_and_the_question_last(
    anthropic: AnthropicGenerator, loopback: LoopbackServer
) -> None:
    asked = Prompt(
        QUESTION,
        (*prompt("").sources, make_source("", number=3)),
        (Turn("What is a version?", "A saved state.⟦1⟧"), Turn("And?", "")),
    )
    await collect(anthropic.stream(asked))
    request = loopback.stats()["last_request"]
    assert [message["role"] for message in request["messages"]] == ["user", "assistant", "user"]
    assert request["messages"][1]["content"] == "A saved state."
    *results, question = request["messages"][2]["content"]
    assert question == {"type": "text", "text": QUESTION}
    assert [result["source"] for result in results] == [
        "kb://restore-a-version#s-steps",
        "kb://how-the-index-catches-up#s-steps",
    ]
    assert [part["text"] for part in results[0]["content"]] == [
        sentence.text for sentence in asked.sources[0].sentences
    ]
    assert results[0]["title"] == "Restore a version > Steps"
    assert request["system"][0]["cache_control"] == {"type": "ephemeral"}
    assert request["max_tokens"] == 500


async def test_a_mark_stands_before_white_space_and_never_breaks_a_code_fence(anthropic: AnthropicGenerator) -> None:
    text = written(await collect(anthropic.stream(prompt("[[code]] zzz"))))
    assert text == "```\nmake run\n```\n⟦1⟧⟦1⟧\n\nThen open the page."


async def test_an_answer_cut_by_the_token_limit_is_kept_and_says_so(anthropic: AnthropicGenerator) -> None:
    deltas = await collect(anthropic.stream(prompt(f"{QUESTION} [[max-tokens]]")))
    assert usages(deltas)[0].stop_reason == "max_tokens"
    assert "Restore" in written(deltas)


async def test_no_source_answers_and_the_model_says_so_without_citation(anthropic: AnthropicGenerator) -> None:
    text = written(await collect(anthropic.stream(prompt("xyzzy"))))
    assert text == "The sources do not answer this question."


FAULTS = {
    "rate-limit": (
        "The model service has too many questions from this site just now. Please try again in a minute.",
        True,
    ),
    "overloaded": ("The model service is overloaded just now. Please try again in a moment.", True),
    "server-error": ("The model service had an error of its own. Please try again in a moment.", True),
    "bad-key": ("The model service does not accept this site's key: check ANTHROPIC_API_KEY.", False),
    "no-permission": ("This site's key for the model service may not use this model: check ANTHROPIC_MODEL.", False),
    "no-money": ("The account at the model service cannot be billed: check its payment and limits.", False),
    "no-model": ("The model service does not know this model: check ANTHROPIC_MODEL.", False),
    "too-long": ("The conversation and its sources are too long for the model. Please start a new question.", False),
    "drop-early": (
        "The connection to the model service was lost before the answer was complete. Please try again.",
        True,
    ),
    "overloaded-early": ("The model service is overloaded just now. Please try again in a moment.", True),
    "empty": ("The model service gave an empty answer. Please try again.", True),
    "refuse-early": ("The model declined to answer this question.", False),
}


@pytest.mark.parametrize(("directive", "message", "temporary"), [(name, *fault) for name, fault in FAULTS.items()])
async def test_a_fault_before_the_first_word_is_told_in_words_and_tried_three_times_if_it_may_pass(
    anthropic: AnthropicGenerator,
    loopback: LoopbackServer,
    short_waits: None,
    directive: str,
    message: str,
    temporary: bool,
) -> None:
    before = loopback.stats()["requests"]
    deltas, failure = await failing(anthropic, f"{QUESTION} [[{directive}]]")
    assert (str(failure), failure.temporary) == (message, temporary)
    assert not [delta for delta in deltas if not isinstance(delta, Usage)]
    assert loopback.stats()["requests"] - before == (3 if temporary else 1)


LATE = {
    "overloaded-late": ("The model service is overloaded just now. Please try again in a moment.", True),
    "drop": ("The connection to the model service was lost before the answer was complete. Please try again.", True),
    "early-end": (
        "The connection to the model service was lost before the answer was complete. Please try again.",
        True,
    ),
    "garbage": ("The model service sent something that could not be read. Please try again.", True),
    "refuse": ("The model declined to answer this question.", False),
}


@pytest.mark.parametrize(("directive", "message", "temporary"), [(name, *fault) for name, fault in LATE.items()])
async def test_a_fault_in_the_middle_keeps_what_was_written_and_is_not_tried_again(
    anthropic: AnthropicGenerator, loopback: LoopbackServer, directive: str, message: str, temporary: bool
) -> None:
    before = loopback.stats()["requests"]
    deltas, failure = await failing(anthropic, f"{QUESTION} [[{directive}]]")
    assert (str(failure), failure.temporary) == (message, temporary)
    assert written(deltas)
    assert len(usages(deltas)) == 1
    assert usages(deltas)[0].input > 0
    assert loopback.stats()["requests"] - before == 1


async def test_an_overload_that_passes_is_never_seen(anthropic: AnthropicGenerator, loopback: LoopbackServer) -> None:
    before = loopback.stats()["requests"]
    deltas = await collect(anthropic.stream(prompt(f"{QUESTION} [[once=overloaded]]")))
    assert "Restore" in written(deltas)
    assert loopback.stats()["requests"] - before == 2


async def test_a_long_retry_after_fails_at_once_instead_of_keeping_the_reader_waiting(
    anthropic: AnthropicGenerator, loopback: LoopbackServer
) -> None:
    before = loopback.stats()["requests"]
    started = asyncio.get_running_loop().time()
    _, failure = await failing(anthropic, "[[rate-limit]] [[wait=30]]")
    assert failure.temporary
    assert asyncio.get_running_loop().time() - started < 2
    assert loopback.stats()["requests"] - before == 1


@pytest.mark.parametrize("directive", ["pings", "silence"])
async def test_a_server_that_never_begins_is_given_up(
    anthropic: AnthropicGenerator, loopback: LoopbackServer, settings: Settings, directive: str
) -> None:
    settings.ANTHROPIC_FIRST_TOKEN_SECONDS = 0.4
    cancelled = loopback.stats()["cancelled"]
    _, failure = await failing(anthropic, f"{QUESTION} [[{directive}]]")
    assert str(failure) == "The model service did not begin to answer in time. Please try again."
    assert loopback.wait_for(cancelled=cancelled + 1, open=0)["cancelled"] == cancelled + 1


async def test_a_server_that_begins_and_then_only_pings_is_given_up(
    anthropic: AnthropicGenerator, settings: Settings
) -> None:
    settings.ANTHROPIC_TOTAL_SECONDS = 0.6
    deltas, failure = await failing(anthropic, f"{QUESTION} [[pings-late]]")
    assert str(failure) == "Writing the answer took too long and was stopped. Please ask for less at once."
    assert written(deltas)


async def test_nobody_listening_is_told_as_unreachable(
    anthropic: AnthropicGenerator, settings: Settings, short_waits: None
) -> None:
    settings.ANTHROPIC_BASE_URL = "http://127.0.0.1:9"
    _, failure = await failing(anthropic, QUESTION)
    assert str(failure) == "The model service cannot be reached. Please try again in a moment."
    assert failure.temporary


async def test_a_missing_key_is_told_before_anything_is_sent(anthropic: AnthropicGenerator, settings: Settings) -> None:
    settings.ANTHROPIC_API_KEY = ""
    _, failure = await failing(anthropic, QUESTION)
    assert (
        str(failure) == "There is no key for the model service: set ANTHROPIC_API_KEY, or choose the quoting generator."
    )


async def test_leaving_the_stream_closes_the_connection(
    anthropic: AnthropicGenerator, loopback: LoopbackServer
) -> None:
    cancelled = loopback.stats()["cancelled"]
    async with aclosing(anthropic.stream(prompt(f"{QUESTION} [[slow=0.2]]"))) as stream:
        async for delta in stream:
            assert isinstance(delta, Text)
            break
    assert loopback.wait_for(cancelled=cancelled + 1, open=0)["cancelled"] == cancelled + 1


async def test_cancelling_the_task_closes_the_connection(
    anthropic: AnthropicGenerator, loopback: LoopbackServer
) -> None:
    cancelled = loopback.stats()["cancelled"]
    task = asyncio.create_task(collect(anthropic.stream(prompt(f"{QUESTION} [[slow=0.2]]"))))
    async with asyncio.timeout(5):
        while not loopback.stats()["open"]:
            await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert loopback.wait_for(cancelled=cancelled + 1, open=0)["cancelled"] == cancelled + 1


async def test_a_reader_slower_than_the_deadline_is_not_cancelled(
    anthropic: AnthropicGenerator, settings: Settings
) -> None:
    settings.ANTHROPIC_FIRST_TOKEN_SECONDS = settings.ANTHROPIC_TOTAL_SECONDS = 1.0
    read = 0

    async def read_slowly() -> None:
        nonlocal read
        async for _ in anthropic.stream(prompt(f"{QUESTION} [[slow=0.01]]")):
            await asyncio.sleep(1.2)  # a timeout around the yield would cancel this
            read += 1

    with pytest.raises(ProviderError, match="took too long"):
        await read_slowly()
    assert read >= 1


def test_every_event_loop_has_a_client_of_its_own_that_is_closed_with_it(anthropic: AnthropicGenerator) -> None:
    for _ in range(2):
        assert asyncio.run(collect(anthropic.stream(prompt(QUESTION))))
        assert anthropic._clients == {}


async def test_questions_at_once_share_the_client_of_their_loop(anthropic: AnthropicGenerator) -> None:
    answers = await asyncio.gather(*(collect(anthropic.stream(prompt(QUESTION))) for _ in range(5)))
    assert len({written(answer) for answer in answers}) == 1
    assert len(anthropic._clients) == 1


def test_settings_choose_the_generator(settings: Settings) -> None:
    settings.GENERATOR = "kb.providers.anthropic.AnthropicGenerator"
    get_generator.cache_clear()
    try:
        assert get_generator().name == "anthropic claude-sonnet-5-5"
        assert get_generator() is get_generator()
    finally:
        get_generator.cache_clear()
