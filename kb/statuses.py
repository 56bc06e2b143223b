"""What the one status line of an answer says; read aloud at boundaries, so every sentence stands alone. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kb.models import Answer

State = Answer.State

SAID = {
    State.WAITING: "Looking for sources.",
    State.REFUSED: "No answer: the articles do not cover this.",
    State.UNCLEAR: "A question back: which article do you mean?",
    State.STOPPED: "Stopped. What was written is kept.",
    State.INTERRUPTED: "Stopped half-way: the server was restarted. What was written is kept.",
    State.FAILED: "The answer could not be written.",
}
CHECKING = "Checking each sentence."
INCOMPLETE = "Incomplete: the writing broke off. What was written is kept."


def writing(sources: int | None, cited: int, *, begun: bool) -> str:
    """While it is written. `sources`: how many were found, None until then; `cited`: how many are used so far."""
    if sources is None:
        return SAID[State.WAITING]
    if not begun:
        return f"{counted(sources, 'source')} found. Reading {'it' if sources == 1 else 'them'}."
    return f"Writing the answer. {cited} of {counted(sources, 'source')} used so far."


def complete(sentences: Sequence[dict[str, Any]]) -> str:
    """When it is answered: how much it says, what it rests on, and what does not hold."""
    cited = {number for sentence in sentences for number in sentence["citations"]}
    parts = [counted(len(sentences), "sentence"), counted(len(cited), "source")]
    weak = sum(sentence["state"] == "weak" for sentence in sentences)
    unsupported = sum(sentence["state"] == "unsupported" for sentence in sentences)
    parts += [f"{weak} weakly supported"] if weak else []
    parts += [f"{unsupported} not supported"] if unsupported else []
    return f"Answer ready: {', '.join(parts)}."


def status(
    state: str,
    *,
    sentences: Sequence[dict[str, Any]] = (),
    sources: int | None = None,
    cited: int = 0,
    begun: bool = False,
) -> str:
    """The status line for an answer in this state."""
    if state == State.RUNNING:
        return writing(sources, cited, begun=begun)
    if state == State.FAILED and begun:
        return INCOMPLETE
    return complete(sentences) if state == State.ANSWERED else SAID[State(state)]


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
