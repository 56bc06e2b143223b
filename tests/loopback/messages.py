"""What the loopback model answers: sentences picked from the search results of a request, each cited. Pure."""

import re
from dataclasses import dataclass
from typing import Any

WORD = re.compile(r"[^\W_]{3,}")
DIRECTIVE = re.compile(r"\[\[([a-z-]+)(?:=([\w.]+))?\]\]")
COMMON = {
    "the", "and", "for", "how", "can", "does", "what", "when", "which", "who", "why", "are", "you", "your", "with",
    "from", "this", "that", "have", "has", "not", "into", "out", "all",
}  # fmt: skip
# What an obedient model takes for an order: it does what the words say as far as text can, by repeating them.
ORDER = re.compile(
    r"\b(?:ignore|disregard|forget)\b.*\b(?:instruction|previous|above|rule|prompt)"
    r"|\b(?:you (?:must|are now|should now)|system prompt|new instructions?|reply with|respond with|answer with"
    r"|say that|print|repeat|append|include|insert|act as|pretend)\b|!\[|\]\(|<img|<a |https?://",
    re.IGNORECASE,
)
NO_ANSWER = "The sources do not answer this question."
MOST = 4


@dataclass(frozen=True)
class Block:
    """A text block of an answer, with what it cites: (search result, first block, end) or None."""

    text: str
    cites: tuple[int, int, int] | None = None


class Invalid(Exception):
    """The request breaks a rule of the API: the words of the 400 answer."""


def question_of(body: dict[str, Any]) -> str:
    """The text blocks of the last user message."""
    content = body["messages"][-1]["content"]
    if isinstance(content, str):
        return content
    return "\n".join(block["text"] for block in content if block["type"] == "text")


def directives_of(question: str) -> dict[str, str]:
    """`[[slow=0.2]]` in a question: {"slow": "0.2"}."""
    return {match[1]: match[2] or "" for match in DIRECTIVE.finditer(question)}


def results_of(body: dict[str, Any]) -> list[dict[str, Any]]:
    """All search results of a request, in the order in which citations number them."""
    return [
        block
        for message in body["messages"]
        if not isinstance(message["content"], str)
        for block in message["content"]
        if block["type"] == "search_result"
    ]


def validate(body: dict[str, Any]) -> None:
    """The rules of the API that a client can break. Raises Invalid."""
    for name in ("model", "max_tokens", "messages"):
        if name not in body:
            raise Invalid(f"{name}: Field required")
    if not body["messages"] or body["messages"][0]["role"] != "user":
        raise Invalid("messages: first message must use the user role")
    for name in ("temperature", "top_p", "top_k"):
        if name in body:
            raise Invalid(f"{name}: Extra inputs are not permitted")
    for message in body["messages"]:
        if isinstance(message["content"], str):
            _validate_text(message["content"])
        else:
            for block in message["content"]:
                _validate_block(block)
    if len({result.get("citations", {}).get("enabled", False) for result in results_of(body)}) > 1:
        raise Invalid("citations must be enabled on all search results or none")


def _validate_block(block: dict[str, Any]) -> None:
    if block["type"] == "text":
        _validate_text(block["text"])
    elif block["type"] == "search_result":
        if not block["content"] or not block["source"] or not block["title"]:
            raise Invalid("search_result: content, source and title must not be empty")
        for part in block["content"]:
            _validate_text(part["text"])
    else:
        raise Invalid(f"content: {block['type']} is not known here")


def _validate_text(text: str) -> None:
    if not text.strip():
        raise Invalid("messages: text content blocks must be non-empty")


def is_to_stand_alone(body: dict[str, Any]) -> bool:
    """Whether the last question is to be made to stand alone, and not to be answered."""
    system = body.get("system") or ""
    return "without the conversation" in (system if isinstance(system, str) else system[0]["text"])


def standing_alone(body: dict[str, Any]) -> str:
    """The last question, and of which earlier one it is the continuation."""
    earlier = [message["content"] for message in body["messages"][:-1] if message["role"] == "user"]
    return f"“{DIRECTIVE.sub('', question_of(body)).strip()} (as in: {earlier[-1]})”"


def answer(body: dict[str, Any]) -> list[Block]:
    """The sentences that share most words with the question, in their order, each a block with its citation."""
    if is_to_stand_alone(body):
        return [Block(standing_alone(body))]
    question = question_of(body)
    directives = directives_of(question)
    blocks = _obeyed(body) if "obey" in directives else []
    blocks += _picked(body, _words(DIRECTIVE.sub("", question)))
    if "code" in directives:
        blocks += [Block("\n\n```\nmake run\n", (0, 0, 1)), Block("```", (0, 0, 1)), Block("\n\nThen open the page.")]
    return blocks or [Block(NO_ANSWER)]


def _picked(body: dict[str, Any], asked: set[str]) -> list[Block]:
    scored = [
        (len(asked & _words(part["text"])), number, index, part["text"])
        for number, result in enumerate(results_of(body))
        for index, part in enumerate(result["content"])
    ]
    chosen = sorted(
        sorted((entry for entry in scored if entry[0]), key=lambda entry: -entry[0])[:MOST],
        key=lambda entry: entry[1:3],
    )
    blocks = []
    for place, (_, number, index, text) in enumerate(chosen):
        blocks.append(
            Block(
                text + ("\n\n" if place + 1 < len(chosen) and chosen[place + 1][1] != number else " "),
                (number, index, index + 1),
            )
        )
    return blocks


def _obeyed(body: dict[str, Any]) -> list[Block]:
    """Whatever reads like an order, in sources and question, repeated word for word and cited as an answer would be."""
    blocks = [
        Block(part["text"] + "\n\n", (number, index, index + 1))
        for number, result in enumerate(results_of(body))
        for index, part in enumerate(result["content"])
        if ORDER.search(part["text"])
    ]
    orders = [line for line in DIRECTIVE.sub("", question_of(body)).splitlines() if ORDER.search(line)]
    return [*(Block(line + "\n\n") for line in orders), *blocks]


def _words(text: str) -> set[str]:
    return {word.lower()[:6] for word in WORD.findall(text)} - COMMON


def tokens(text: str) -> int:
    """About as many tokens as a model would count."""
    return max(1, len(text) // 4)
