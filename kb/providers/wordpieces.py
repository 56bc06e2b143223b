"""Texts as tokenizers take and count them."""

from __future__ import annotations

from typing import Any

LETTERS = 4  # of a wordpiece, about


def encodable(text: str) -> str:
    """Half a surrogate pair, which no encoder takes, becomes a question mark; lengths and offsets stay."""
    return text.encode("utf-8", "replace").decode("utf-8")


def count(tokenizer: Any, text: str) -> int:
    """How many wordpieces a text has. A word too long for the tokenizer is one to it, and counts by its letters here:
    else a page of digits without a space would be as long as a word.
    """
    made = tokenizer.encode(encodable(text), add_special_tokens=False)
    ids: list[int] = made.ids
    unknown = tokenizer.token_to_id("[UNK]")
    if unknown not in ids:
        return len(ids)
    spans: list[tuple[int, int]] = made.offsets
    return len(ids) + sum(
        (end - start) // LETTERS for piece, (start, end) in zip(ids, spans, strict=True) if piece == unknown
    )
