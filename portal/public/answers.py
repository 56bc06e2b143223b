"""What the page of an answer shows, worked out from its row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.urls import reverse
from django.utils.safestring import mark_safe

from kb import citing, recalling, statuses
from kb.grounding import MARK, Source
from kb.models import Answer, Feedback
from kb.recalling import Opened
from portal.htmx import Request
from streaming import positions
from streaming.blocks import Blocks

NOT_READABLE = "This answer rests on articles that you may not read any more, so it is not shown."
FAULTY = {"weak", "unsupported"}


def context(opened: Opened, request: Request) -> dict[str, Any]:
    """Everything but the feedback; of an answer that may not be read, only that it was asked."""
    answer = opened.answer
    user = request.user
    turns = recalling.conversation(answer, user=user, session_key=request.session.session_key)
    shared = {"answer": answer, "mine": opened.mine, "turns": turns}
    if not opened.readable:
        return shared | {"hidden": True, "status": NOT_READABLE, "unfinished": False}
    sources = recalling.sources_of(answer)
    quoted = citing.quoted(sources, sentences=answer.sentences, question=answer.question)
    cited = [one for one in quoted if one.sentences]
    return (
        shared
        | text_context(answer, sources)
        | {
            "sources": cited or quoted,
            "unused": [one for one in quoted if cited and not one.sentences],
            "status": status(answer, sources),
            "changed": recalling.changed(answer) if answer.is_finished else set(),
            "nearest": recalling.nearest_to(answer, user=user),
            "copyable": copyable(answer, sources, absolute=request.build_absolute_uri),
        }
    )


def text_context(answer: Answer, sources: Sequence[Source]) -> dict[str, Any]:
    """The text: as finished HTML, or as far as it is written together with the place where it goes on."""
    if not answer.is_finished:
        return live_context(answer.text, sources)
    html = citing.render(answer.text, sources=sources, sentences=answer.sentences)
    checks = [
        (place, sentence["reason"]) for place, sentence in enumerate(answer.sentences, 1) if sentence["state"] in FAULTY
    ]
    return {"unfinished": False, "html": mark_safe(html), "checks": checks}  # noqa: S308  # sanitised by citing


def live_context(text: str, sources: Sequence[Source]) -> dict[str, Any]:
    """The text as far as it is written: finished blocks as HTML, the rest as it is, and where each ends."""
    whole = positions.Text(text)
    begin = max(Blocks(text).ends, default=0)
    titles = tuple((source.number, source.title) for source in sources)
    rest = whole.between(begin, len(whole))
    return {
        "unfinished": True,
        "blocks": mark_safe(citing.block(whole.between(0, begin), titles)) if begin else "",  # noqa: S308  # sanitised by citing
        "live": mark_safe(citing.live(rest)),  # noqa: S308  # escaped by citing
        "rest": rest,
        "at": len(whole),
    }


def status(answer: Answer, sources: Sequence[Source]) -> str:
    return statuses.status(
        answer.state,
        sentences=answer.sentences,
        sources=len(sources) or None,
        cited=len(recalling.cited_in(answer.text)),
        begun=bool(answer.text),
    )


def copyable(answer: Answer, sources: Sequence[Source], *, absolute: Callable[[str], str]) -> str:
    """The answer with its sources as plain text, for the clipboard."""
    cited = recalling.cited_in(answer.text)
    lines = [
        f"[{source.number}] {' > '.join((source.title, *source.heading_path))}: {absolute(address(source))}"
        for source in sources
        if source.number in cited
    ]
    return "\n\n".join(filter(None, [answer.question, MARK.sub(r" [\1]", citing.flat(answer.text)), "\n".join(lines)]))


def address(source: Source) -> str:
    """Where a source can be read: its article, at the line where the passage begins."""
    line = source.sentences[0].line if source.sentences else 1
    return f"{reverse('article', args=[source.slug])}#b-{line}"


def feedback_context(answer: Answer, visitor: str = "") -> dict[str, Any]:
    """What this visitor said of the answer, if anything; a new visitor has no name yet."""
    given = Feedback.objects.filter(answer=answer, session_hash=visitor).first() if visitor else None
    return {"answer": answer, "given": given, "reasons": Feedback.REASONS.items()}
