"""An evaluation set as a folder: queries.jsonl and qrels.tsv out and in, with the corpus for `evaluate retrieval`."""

from __future__ import annotations

import csv
import io
import json
import math
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from django.db import transaction

from kb.evaluation.sets import EvaluationError, json_lines, read_qrels
from kb.models import Article, Audience, EvaluationCase, EvaluationSet, RightArticle
from kb.permissions import Reader

LARGEST = 5_000_000  # bytes of one file
MOST_CASES = 5_000
NAMES = ("queries.jsonl", "qrels.tsv")


@dataclass
class Imported:
    """How many cases were added, were there already, and what could not be taken, a sentence each."""

    added: int = 0
    known: int = 0
    problems: list[str] = field(default_factory=list)


def export(chosen: EvaluationSet, *, user: Reader) -> bytes:
    """A zip of corpus.jsonl, queries.jsonl and qrels.tsv: the cases and the published articles this person may see."""
    rows = list(chosen.cases.known_to(user).select_related("audience").prefetch_related("rights__article"))  # type: ignore[attr-defined]  # our queryset
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as folder:
        folder.writestr("queries.jsonl", lines(query(row) for row in rows))
        folder.writestr("qrels.tsv", qrels(rows))
        folder.writestr("corpus.jsonl", lines(documents(user)))
    return held.getvalue()


def lines(rows: Iterable[dict[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def query(row: EvaluationCase) -> dict[str, Any]:
    audience = row.audience.name if row.audience else ""
    return {"_id": str(row.pk), "text": row.question, "audience": audience, "note": row.note}


def qrels(rows: Iterable[EvaluationCase]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", lineterminator="\n")
    writer.writerow(["query-id", "corpus-id", "score"])
    for row in rows:
        for right in row.rights.all():
            if right.article is not None:
                writer.writerow([row.pk, right.article.slug, f"{right.grade:g}"])
    return text.getvalue()


def documents(user: Reader) -> Iterator[dict[str, Any]]:
    known = Article.objects.known_to(user).published().select_related("published_version").order_by("pk")
    for article in known.iterator(chunk_size=200):
        if article.published_version is not None:
            version = article.published_version
            yield {"_id": article.slug, "title": version.title, "text": version.source}


def read(files: Iterable[tuple[str, BinaryIO]], chosen: EvaluationSet, *, by: Reader) -> Imported:
    """Add the cases of queries.jsonl and qrels.tsv, two files or in a zip, to a set. Raises EvaluationError.

    A corpus id is the address of an article that this person may see, or the name an import gave it.
    """
    with tempfile.TemporaryDirectory() as where:
        folder = Path(where)
        for name, data in unpacked(files):
            (folder / name).write_bytes(data)
        missing = [name for name in NAMES if not (folder / name).exists()]
        if missing:
            raise EvaluationError(f"{' and '.join(missing)} is missing: send a zip with both files, or both files.")
        try:
            labels = read_qrels(folder / NAMES[1])
            if not all(math.isfinite(grade) for grades in labels.values() for grade in grades.values()):
                raise EvaluationError("A grade in qrels.tsv is no number: write 1, or more for a better article.")
            return add([row for _, row in json_lines(folder / NAMES[0])], labels, chosen, by=by)
        except (UnicodeDecodeError, ValueError, KeyError, TypeError, csv.Error) as error:
            raise EvaluationError(f"These files are not a set of questions and labels: {error}") from error


def unpacked(files: Iterable[tuple[str, BinaryIO]]) -> Iterator[tuple[str, bytes]]:
    """The two files we know, by their base name, from a zip or as they are."""
    for name, file in files:
        base = name.rsplit("/", 1)[-1]
        if base in NAMES:
            yield base, limited(file, base)
        elif base.endswith(".zip"):
            yield from members(file, base)


def members(file: BinaryIO, name: str) -> Iterator[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(file) as folder:
            for member in folder.namelist():
                base = member.rsplit("/", 1)[-1]
                if base in NAMES:
                    with folder.open(member) as inside:
                        yield base, limited(inside, base)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError) as error:  # what zipfile raises
        raise EvaluationError(f"{name} cannot be unpacked: {error}.") from error


def limited(file: Any, name: str) -> bytes:
    data: bytes = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise EvaluationError(f"{name} is larger than {LARGEST // 1_000_000} MB.")
    return data


@transaction.atomic
def add(
    queries: list[dict[str, Any]], labels: dict[str, dict[str, float]], chosen: EvaluationSet, *, by: Reader
) -> Imported:
    if len(queries) > MOST_CASES:
        raise EvaluationError(f"These are {len(queries):,} questions; {MOST_CASES:,} can be imported at once.")
    made = Imported()
    articles = addresses(by)
    audiences = {audience.name: audience for audience in Audience.objects.borrowable_by(by)}
    asked: set[tuple[str, int | None]] = set(chosen.cases.values_list("question", "audience"))
    for row in queries:
        question = " ".join(str(row["text"]).replace("\0", " ").split())
        named = labels.get(str(row["_id"]), {})
        rights = {articles[name]: grade for name, grade in named.items() if name in articles}
        audience = audiences.get(str(row.get("audience") or ""))
        problem = why_not(question, row, named=named, rights=rights, audience=audience)
        if problem:
            made.problems.append(problem)
        elif (question, audience.pk if audience else None) in asked:
            made.known += 1
        else:
            note = str(row.get("note") or "").replace("\0", " ")[:300]
            case = EvaluationCase(
                set=chosen, question=question, audience=audience, note=note, origin="import", by_id=by.pk
            )
            save(case, rights)
            asked.add((question, case.audience_id))
            made.added += 1
    return made


def why_not(
    question: str, row: dict[str, Any], *, named: dict[str, float], rights: dict[int, float], audience: Audience | None
) -> str:
    """Why a question cannot become a case; empty when it can."""
    if not question:
        return f"Question {row['_id']} has no text."
    if row.get("audience") and audience is None:
        return f"“{question[:80]}” is asked as “{row['audience']}”, and there is no such audience for you."
    if len(rights) < len(named) or not rights:
        unknown = ", ".join(sorted(named)[:3]) or "none is named"
        return f"“{question[:80]}” has no right article, or one that you do not have: {unknown}."
    return ""


def addresses(user: Reader) -> dict[str, int]:
    """Address, earlier address or imported name → article, of those this person may see."""
    known = Article.objects.known_to(user)
    made = dict(known.exclude(external_id="").values_list("external_id", "pk"))
    made |= dict(known.filter(redirects__isnull=False).values_list("redirects__old_slug", "pk"))
    return made | dict(known.values_list("slug", "pk"))


@transaction.atomic
def save(case: EvaluationCase, rights: dict[int, float]) -> EvaluationCase:
    """Write a case with the articles that answer it: article id → grade."""
    case.save()
    case.rights.exclude(article__in=rights).delete()
    RightArticle.objects.bulk_create(
        [RightArticle(case=case, article_id=pk, grade=grade) for pk, grade in rights.items()],
        update_conflicts=True, unique_fields=["case", "article"], update_fields=["grade"],
    )  # fmt: skip
    return case
