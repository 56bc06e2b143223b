"""manage.py ask: a question, its sources and its cited answer, in the terminal."""

import asyncio
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from kb import answering
from kb.answering import STATES, Answered, Ending, Event, Failed, Refused, Sources, Token, Unclear
from kb.grounding import Source, plain
from kb.management.commands._people import person
from kb.models import Article
from kb.permissions import Reader


class Command(BaseCommand):
    help = "Ask the articles, as nobody in particular or as one person."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("question")
        parser.add_argument("--as", dest="username", help="ask with this person's eyes")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, question: str, username: str | None, **options: Any) -> None:
        user = person(username)
        events = asyncio.run(self.collect(question, user, show=not options["json"]))
        if options["json"]:
            self.stdout.write(json.dumps(report(events), ensure_ascii=False, indent=2))
        elif isinstance(last := events[-1], Refused | Unclear):
            shown = last.nearest if isinstance(last, Refused) else last.articles
            for article in Article.objects.filter(pk__in=shown).select_related("latest_version"):
                self.stdout.write(f"  {article}")

    async def collect(self, question: str, user: Reader, *, show: bool) -> list[Event]:
        events = []
        async for event in answering.answer(question, user=user):
            events.append(event)
            if show:
                self.show(event)
        return events

    def show(self, event: Event) -> None:
        match event:
            case Sources(sources):
                for source in sources:
                    self.stdout.write(f"[{source.number}] {' > '.join([source.title, *source.heading_path])}")
                self.stdout.write("")
            case Token(text=text):
                self.stdout.write(text.replace("⟦", " [").replace("⟧", "]"), ending="")
                self.stdout.flush()
            case Answered(timings=timings):
                self.stdout.write(f"\n\n{timings['total']:.0f} ms")
            case Refused(message=message) | Unclear(message=message):
                self.stdout.write(message)
            case Failed(message=message):
                self.stdout.write(self.style.ERROR(message))


def report(events: list[Event]) -> dict[str, Any]:
    """The answer as JSON; `passage` is the exact text a citation rests on. Of a refusal or failure, `text` says why."""
    sources = next((event.sources for event in events if isinstance(event, Sources)), ())
    last = events[-1]
    timings = last.timings if isinstance(last, Ending) else {}
    return {
        "state": STATES[type(last)] if isinstance(last, Ending) else "failed",
        "text": last.message
        if isinstance(last, Refused | Unclear | Failed)
        else plain("".join(event.text for event in events if isinstance(event, Token))),
        "sentences": [
            {"text": one.text, "citations": [cited(sources, *place) for place in one.passages]}
            for one in (last.sentences if isinstance(last, Answered) else ())
        ],
        "sources": [as_row(source) for source in sources],
        "timings_ms": {stage: timings.get(stage) for stage in ("sources", "first_token", "total")},
        "usage": last.usage if isinstance(last, Answered) else {},
    }


def cited(sources: tuple[Source, ...], number: int, start: int, end: int) -> dict[str, Any]:
    source = next(source for source in sources if source.number == number)
    passage = source.text[source.sentences[start].start : source.sentences[end - 1].end]
    return {"source": number, "passage": passage}


def as_row(source: Source) -> dict[str, Any]:
    return {
        "number": source.number,
        "article_id": source.article_id,
        "slug": source.slug,
        "title": source.title,
        "heading_path": list(source.heading_path),
        "anchor": source.anchor,
        "version": source.version_number,
        "text": source.text,
        "score": round(source.score, 4),
    }
