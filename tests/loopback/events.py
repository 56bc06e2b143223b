"""An answer of the loopback model as the API sends it: as a list of server-sent events, or whole. Pure."""

import json
import re
from collections.abc import Iterator
from typing import Any

from tests.loopback.messages import Block, answer, directives_of, question_of, results_of, tokens

Event = tuple[str, dict[str, Any]]
PIECE = re.compile(r"\s*\S+\s*$|\s*\S+|\s+")


def streamed(body: dict[str, Any], usage: dict[str, int]) -> Iterator[Event]:
    """The events of a streamed answer, in the order the API sends them."""
    yield (
        "message_start",
        {"message": {**_message(body), "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}},
    )
    yield "ping", {}
    blocks = _blocks(body)
    for index, block in enumerate(blocks):
        yield "content_block_start", {"index": index, "content_block": {"type": "text", "text": "", "citations": None}}
        yield from (("content_block_delta", {"index": index, "delta": delta}) for delta in _deltas(body, block))
        yield "content_block_stop", {"index": index}
    delta = {"stop_reason": _stop_reason(body), "stop_sequence": None}
    yield "message_delta", {"delta": delta, "usage": {"output_tokens": _size(blocks)}}
    yield "message_stop", {}


def whole(body: dict[str, Any], usage: dict[str, int]) -> dict[str, Any]:
    """The answer to a request that did not ask for a stream."""
    blocks = _blocks(body)
    content = [
        {"type": "text", "text": block.text, "citations": [_citation(body, block)] if block.cites else None}
        for block in blocks
    ]
    return {
        **_message(body),
        "content": content,
        "stop_reason": _stop_reason(body),
        "usage": {**usage, "output_tokens": _size(blocks)},
    }


def cacheable(body: dict[str, Any]) -> str:
    """The beginning of a request that a prompt cache would keep: its system blocks, if one of them asks for it."""
    system = body.get("system") or ""
    marked = not isinstance(system, str) and any("cache_control" in block for block in system)
    return json.dumps(system) if marked else ""


def _deltas(body: dict[str, Any], block: Block) -> Iterator[dict[str, Any]]:
    """The pieces of a block; its citation comes in the middle, as the API promises no place for it."""
    pieces = PIECE.findall(block.text)
    for place, piece in enumerate(pieces):
        yield {"type": "text_delta", "text": piece}
        if place == len(pieces) // 2 and block.cites:
            yield {"type": "citations_delta", "citation": _citation(body, block)}


def _citation(body: dict[str, Any], block: Block) -> dict[str, Any]:
    number, start, end = block.cites or (0, 0, 0)
    result = results_of(body)[number]
    return {
        "type": "search_result_location",
        "search_result_index": number,
        "start_block_index": start,
        "end_block_index": end,
        "source": result["source"],
        "title": result["title"],
        "cited_text": "".join(part["text"] for part in result["content"][start:end]),
    }


def _blocks(body: dict[str, Any]) -> list[Block]:
    directives = directives_of(question_of(body))
    return [] if "empty" in directives or "refuse-early" in directives else answer(body)


def _stop_reason(body: dict[str, Any]) -> str:
    directives = directives_of(question_of(body))
    if "refuse" in directives or "refuse-early" in directives:
        return "refusal"
    return "max_tokens" if "max-tokens" in directives else "end_turn"


def _size(blocks: list[Block]) -> int:
    return sum(tokens(block.text) for block in blocks)


def _message(body: dict[str, Any]) -> dict[str, Any]:
    return {"id": "msg_loopback", "type": "message", "role": "assistant", "model": body["model"], "stop_sequence": None}
