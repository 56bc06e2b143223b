"""manage.py ask: a question, its sources and its cited answer, in the terminal."""

import asyncio
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from kb import answering
from kb.answering import Answered, Event, Failed, Refused, Sources, Token
from kb.grounding import Source, plain
from kb.management.commands._people import person
from kb.models import Article


class Command(BaseCommand):
    help = "Ask the articles, as nobody in particular or as one person."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("question")
        parser.add_argument("--as", dest="username", help="ask with this person's eyes")
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, question: str, username: str | None, **options: Any) -> None:
        events = asyncio.run(self.collect(question, username, show=not options["json"]))
        if options["json"]:
            self.stdout.write(json.dumps(report(events), ensure_ascii=False, indent=2))
        elif isinstance(last := events[-1], Refused):
            for article in Article.objects.filter(pk__in=last.nearest).select_related("latest_version"):
                self.stdout.write(f"  {article}")

    async def collect(self, question: str, username: str | None, *, show: bool) -> list[Event]:
        user = await asyncio.to_thread(person, username)
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
            case Refused(message=message):
                self.stdout.write(message)
            case Failed(message=message):
                self.stdout.write(self.style.ERROR(message))


def report(events: list[Event]) -> dict[str, Any]:
    """The answer as JSON; `passage` is the exact text a citation rests on."""
    sources = next((event.sources for event in events if isinstance(event, Sources)), ())
    last = events[-1]
    made: dict[str, Any] = {
        "state": "refused" if isinstance(last, Refused) else "failed" if isinstance(last, Failed) else "answered",
        "text": plain("".join(event.text for event in events if isinstance(event, Token))),
        "sentences": [],
        "sources": [as_row(source) for source in sources],
        "timings_ms": {},
        "usage": {},
    }
    if isinstance(last, Answered | Refused | Failed):
        made["timings_ms"] = last.timings
    if isinstance(last, Refused | Failed):
        made["message"] = last.message
    if isinstance(last, Answered):
        made["usage"] = last.usage
        made["sentences"] = [
            {"text": one.text, "state": one.state, "citations": [cited(sources, *place) for place in one.passages]}
            for one in last.sentences
        ]
    return made


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
