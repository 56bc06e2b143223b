"""manage.py search: what a reader's search would find."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from kb.management.commands._people import person
from kb.retrieval import Hit, Timings, retrieve


class Command(BaseCommand):
    help = "Search the articles, as nobody in particular or as one person."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("question")
        parser.add_argument("--as", dest="username", help="search with this person's eyes")
        parser.add_argument("--limit", type=int, default=10)
        parser.add_argument("--json", action="store_true")

    def handle(self, *args: Any, question: str, username: str | None, limit: int, **options: Any) -> None:
        timings = Timings()
        hits = retrieve(question, user=person(username), limit=limit, timings=timings)
        if options["json"]:
            rows = [as_row(rank, hit) for rank, hit in enumerate(hits, 1)]
            self.stdout.write(json.dumps({"hits": rows, "timings_ms": timings.as_dict()}, ensure_ascii=False, indent=2))
            return
        for rank, hit in enumerate(hits, 1):
            path = " > ".join([hit.title, *hit.heading_path])
            self.stdout.write(f"{rank:2}. {path}  [{hit.slug}]  {hit.score:.3f}")
            self.stdout.write(f"    {' '.join(hit.text.split())[:160]}")
        self.stdout.write(f"{len(hits)} hits in {timings.total:.0f} ms" if hits else "Nothing found.")


def as_row(rank: int, hit: Hit) -> dict[str, Any]:
    return {
        "rank": rank,
        "article_id": hit.article_id,
        "slug": hit.slug,
        "title": hit.title,
        "heading_path": list(hit.heading_path),
        "anchor": hit.anchor,
        "text": hit.text,
        "score": round(hit.score, 4),
        "legs": {"ranks": hit.ranks, "scores": {name: round(value, 4) for name, value in hit.parts.items()}},
    }
