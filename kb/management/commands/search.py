"""manage.py search: what a reader's search would find."""

import json
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from kb import explaining
from kb.errors import ProviderError
from kb.filters import Within
from kb.management.commands._people import person
from kb.models import Article
from kb.narrowing import narrowed
from kb.permissions import Reader
from kb.retrieval import Hit, Timings, retrieve


class Command(BaseCommand):
    help = "Search the articles, as nobody in particular or as one person."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("question")
        parser.add_argument("--as", dest="username", help="search with this person's eyes")
        parser.add_argument("--limit", type=int, default=10)
        parser.add_argument("--collection", metavar="SLUG", help="only in this collection")
        parser.add_argument("--tag", help="only articles with this tag")
        parser.add_argument("--language", metavar="CODE", help="only articles in this language, such as en or pt-BR")
        parser.add_argument("--since", metavar="DAY", help="only what was updated on this day (2026-03-31) or later")
        parser.add_argument("--article", metavar="SLUG", help="only in this article; with --explain: why it is missing")
        parser.add_argument("--json", action="store_true")
        parser.add_argument("--explain", action="store_true", help="show every stage: legs, fusion, rerank")

    def handle(self, *args: Any, question: str, username: str | None, limit: int, **options: Any) -> None:
        reader = person(username)
        try:
            if options["explain"]:
                self.explain(question, reader, limit, options)
            else:
                self.search(question, reader, limit, options)
        except ProviderError as error:
            raise CommandError(str(error)) from error

    def search(self, question: str, reader: Reader, limit: int, options: dict[str, Any]) -> None:
        timings = Timings()
        hits = retrieve(question, user=reader, within=asked_within(options, reader), limit=limit, timings=timings)
        if options["json"]:
            rows = [as_row(rank, hit) for rank, hit in enumerate(hits, 1)]
            self.stdout.write(json.dumps({"hits": rows, "timings_ms": timings.as_dict()}, ensure_ascii=False, indent=2))
            return
        for rank, hit in enumerate(hits, 1):
            path = " > ".join([hit.title, *hit.heading_path])
            self.stdout.write(f"{rank:2}. {path}  [{hit.slug}]  {hit.score:.3f}")
            self.stdout.write(f"    {' '.join(hit.text.split())[:160]}")
        self.stdout.write(f"{len(hits)} hits in {timings.total:.0f} ms" if hits else "Nothing found.")

    def explain(self, question: str, reader: Reader, limit: int, options: dict[str, Any]) -> None:
        slug = options["article"]
        article = Article.objects.filter(slug=slug).first() if slug else None
        if slug and article is None:
            raise CommandError(f"There is no article “{slug}”.")
        made = explaining.explain(
            question, user=reader, article=article, within=asked_within({**options, "article": ""}, reader)
        )
        self.stdout.write(f"words looked for: {' '.join(made.question)}")
        self.stdout.write(f"chunks this reader may see: {made.allowed}")
        self.stdout.write(f"{'final':>5} {'fused':>5} {'words':>11} {'vector':>11}  {'maxsim':>6}  article")
        for row in made.rows[:limit]:
            words = f"{row.words:.2f} ({row.words_rank or '-'})"
            vector = f"{'-' if row.cosine is None else format(row.cosine, '.3f')} ({row.vector_rank or '-'})"
            self.stdout.write(
                f"{row.final or '-':>5} {row.fused or '-':>5} {words:>11} {vector:>11}  {row.maxsim:6.3f}  {row.place}"
            )
        if made.verdict:
            self.stdout.write("\n" + made.verdict)


def asked_within(options: dict[str, Any], reader: Reader) -> Within:
    try:
        return narrowed(options, user=reader)
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from error


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
