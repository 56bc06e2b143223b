"""`python -m bench.peers`: Footnote beside LangChain, LlamaIndex and Haystack over pgvector, on the same rows.

Each framework is a process of its own with its own packages, and is set up as its documentation says: HNSW with its
usual parameters, a text index, the audience as metadata; iterative scan is on for all. One reader who may see 1 % of
the rows asks every question, of everybody in turns. A part of the rows is written through each one's own API.

    vector   ten hits by meaning; ours: both statements, with a question that has no words for the second leg
    both     ten hits by meaning and by words; ours: the two statements that find the candidates
    whole    ours: everything from the question to reranked hits with their text
    written  chunks a second through the API, vectors given, into a table with its indexes; ours: bench.writing,
             from pieces of text to stored passages, with exact names, sign bits and sentence vectors
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from bench import corpus as corpora
from bench import loading, truth
from bench.corpus import SHARES, Corpus
from bench.peers.environments import HERE, python_of
from bench.retrieval import FINDING, Cell, Measured, ask_ours, leaks, mean, percentiles, watched
from bench.writing import write_path
from kb import evaluation, legs, outset, retrieval
from kb.filters import EVERYWHERE
from kb.models import Chunk
from kb.permissions import ReaderOf, audience_ids
from portal import embedded

PEERS = ("langchain", "llamaindex", "haystack")
FASTER = 3.0  # asked of us, at 1 % allowed
WRITTEN = 1000  # rows through each API; the others by INSERT … SELECT
LEVEL = SHARES.index(0.01)
OURS = """
SELECT chunk.id, passage.text, embedding.vector::vector(384) AS vector, article.audience_id AS audience
FROM kb_chunk AS chunk JOIN kb_article AS article ON article.published_version_id = chunk.version_id
JOIN kb_passage AS passage ON passage.id = chunk.passage_id
JOIN kb_embedding AS embedding ON embedding.passage_id = passage.id
"""
INDEXES = "SELECT indexname FROM pg_indexes WHERE indexdef ~ 'USING (hnsw|gin) ' AND tablename LIKE %s"
# As each one's own API has written the first rows; what of them is the same in all is taken from one of these.
REST = {
    "langchain": """
        INSERT INTO peer_langchain (langchain_id, content, embedding, content_tsv, audience, langchain_metadata)
        SELECT id, text, vector, to_tsvector('pg_catalog.english', text), audience, '{}' FROM (%(rows)s) AS ours
    """,
    "llamaindex": """
        INSERT INTO data_peer_llamaindex (text, metadata_, node_id, embedding)
        SELECT ours.text, jsonb_set(one.metadata_::jsonb, '{audience}', to_jsonb(ours.audience))::json,
               ours.id::text, ours.vector
        FROM (%(rows)s) AS ours, (SELECT metadata_ FROM data_peer_llamaindex LIMIT 1) AS one
    """,
    "haystack": """
        INSERT INTO peer_haystack (id, embedding, content, meta)
        SELECT id::text, vector, text, jsonb_build_object('audience', audience) FROM (%(rows)s) AS ours
    """,
}


class Peer:
    """A framework's process."""

    def __init__(self, name: str) -> None:
        given = connection.get_connection_params()
        place = {key: str(given[key]) for key in ("dbname", "user", "password", "host")}
        self.name = name
        self.process = subprocess.Popen(
            [str(python_of(name)), str(HERE / f"with_{name}.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True, env={**os.environ, "PEER_DATABASE": json.dumps(place)},
        )  # fmt: skip

    def does(self, what: str, **given: Any) -> tuple[Any, float]:
        """What it found, and the seconds that it took there."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps({"do": what, **given}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.name} ended at “{what}”: run {HERE}/with_{self.name}.py by hand to see why.")
        answer = json.loads(line)
        return answer["found"], answer["seconds"]

    def end(self) -> None:
        self.process.stdin.close() if self.process.stdin else None
        self.process.wait(10)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--chunks", type=int, default=100_000)
    parser.add_argument("--questions", type=int, default=40)
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    embedded.ensure()
    for name in PEERS:
        python_of(name)
    ours = write_path()
    settings.EMBEDDER = "bench.embedder.SyntheticEmbedder"
    corpus = corpora.make(options.chunks, options.questions)
    with evaluation.throwaway_database("bench_peers"), ExitStack() as stack:
        loading.load(corpus)
        reader = loading.arrange(corpus, "scattered")[LEVEL]
        configure()
        peers = [stack.enter_context(running(name)) for name in PEERS]
        written = {peer.name: fill(peer) for peer in peers}
        made = measure(corpus, reader, peers)
    for name, rate in written.items():
        made[name]["written"] = rate
    made["footnote"] |= {"written": ours["chunks_per_second"], "first": ours["first_chunks_per_second"]}
    show(made)
    if options.json:
        figures = {"chunks": options.chunks, "allowed": SHARES[LEVEL], "peers": made, "writing": ours}
        Path(options.json).write_text(json.dumps({**figures, "load": os.getloadavg()[0]}, indent=2) + "\n")


@contextmanager
def running(name: str) -> Iterator[Peer]:
    peer = Peer(name)
    try:
        yield peer
    finally:
        peer.end()


def configure() -> None:
    """For every connection to come: iterative scan, and room to build an index in."""
    name = connection.ops.quote_name(str(connection.settings_dict["NAME"]))
    with connection.cursor() as cursor:
        cursor.execute("SELECT '[1]'::vector")  # loads what knows this setting
        cursor.execute(f"ALTER DATABASE {name} SET hnsw.iterative_scan = 'relaxed_order'")
        cursor.execute(f"ALTER DATABASE {name} SET maintenance_work_mem = '1GB'")


def fill(peer: Peer) -> float:
    """All rows into its tables; how many chunks a second it takes through its own API."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, text, vector::text, audience FROM ({OURS}) AS ours WHERE id <= %s", [WRITTEN])
        rows = [
            {"id": pk, "text": text, "vector": json.loads(vector), "audience": audience}
            for pk, text, vector, audience in cursor.fetchall()
        ]
    peer.does("create")
    peer.does("index")
    _, taken = peer.does("write", rows=rows)
    with connection.cursor() as cursor:
        cursor.execute(INDEXES, [f"%peer_{peer.name}%"])
        for (name,) in cursor.fetchall():
            cursor.execute(f"DROP INDEX {connection.ops.quote_name(name)}")  # made again below: sooner done
        cursor.execute(REST[peer.name].replace("%(rows)s", f"{OURS} WHERE chunk.id > {WRITTEN}"))
    peer.does("index")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return round(len(rows) / taken, 1)


def measure(corpus: Corpus, reader: Any, peers: list[Peer]) -> dict[str, dict[str, Any]]:
    """Every question of everybody, once unmeasured and once measured, in turns."""
    exact = truth.measure(corpus)
    cell = Cell(corpus, exact, "scattered", LEVEL, reader)
    mine, by_meaning = Measured(), list[float]()
    found: dict[str, dict[str, list[Any]]] = {
        peer.name: {"vector": [], "both": [], "near": [], "rows": []} for peer in peers
    }
    for number, text in enumerate(corpus.questions):
        for into in (Measured(), mine):
            ask_ours(cell, number, into)
        by_meaning.append([ask_by_meaning(cell, number) for _ in range(2)][1])
        asked = {
            "text": text, "vector": corpus.question_vectors[number].tolist(), "audiences": audience_ids(reader)
        }  # fmt: skip
        for peer in peers:
            for kind in ("vector", "both"):
                peer.does("ask", **asked, is_hybrid=kind == "both")
                ids, seconds = peer.does("ask", **asked, is_hybrid=kind == "both")
                found[peer.name][kind].append(seconds * 1000)
                if kind == "vector":
                    found[peer.name]["near"].append(ids)
                    found[peer.name]["rows"].append(len(ids))
    allowed = cell.allowed
    made: dict[str, dict[str, Any]] = {
        "footnote": {
            "rows": min(len(one.hits[:10]) for one in mine.traces),
            "recall_at_10": mean(
                e.share_found(e.cosines, allowed, one.ranked("vector"))
                for e, one in zip(exact, mine.traces, strict=True)
            ),
            "leaks": sum(leaks(one, allowed) for one in mine.traces),
            "vector_ms": percentiles(by_meaning),
            "both_ms": percentiles(mine.sql),
            "whole_ms": percentiles(mine.whole),
        }
    }
    for name, one in found.items():
        made[name] = {
            "rows": min(one["rows"]),
            "recall_at_10": mean(
                e.share_found(e.cosines, allowed, ids) for e, ids in zip(exact, one["near"], strict=True)
            ),
            "vector_ms": percentiles(one["vector"]),
            "both_ms": percentiles(one["both"]),
        }
    return made


def ask_by_meaning(cell: Cell, number: int) -> float:
    """Milliseconds of our SQL for the vector leg alone, with all that has to be known before it."""
    text, reader = cell.corpus.questions[number], ReaderOf(audience_ids(cell.reader))
    seen = Chunk.objects.visible_to(reader)
    spent: dict[str, float] = {}
    with watched(spent):
        known = outset.read(text, seen=seen, reader=reader, within=EVERYWHERE)
        embedder, asked = retrieval.meaning(text, row=known.embedder)
        silent = replace(known.question, words=())
        found = legs.candidates(seen, asked, silent, embedder=embedder, allowed=known.allowed, exact=known.exact)
    assert len(found) >= min(10, known.allowed)
    return sum(spent.get(name, 0.0) for name in FINDING)


def show(made: dict[str, dict[str, Any]]) -> None:
    base = made["footnote"]
    columns = ("rows", "recall", "vector p50", "p95", "both p50", "p95", "slower", "written")
    print(f"{'':>12}" + "".join(f" {name:>10}" for name in columns))
    for name, one in made.items():
        near = one["vector_ms"]
        slower = f"{one['both_ms']['p50'] / base['both_ms']['p50']:.1f} ×"
        both = one["both_ms"]
        values = (one["rows"], one["recall_at_10"], near["p50"], near["p95"], both["p50"], both["p95"],
                  slower, one["written"])  # fmt: skip
        print(f"{name:>12}" + "".join(f" {value!s:>10}" for value in values))
    print(f"ours as a whole, reranked and with texts: {base['whole_ms']['p50']} / {base['whole_ms']['p95']} ms")
    for name in PEERS:
        vector, both = (made[name][kind]["p50"] / base[kind]["p50"] for kind in ("vector_ms", "both_ms"))
        print(f"{name}: {vector:.1f} × as long as ours by meaning, {both:.1f} × with both legs"
              f" (asked: at least {FASTER:.0f} ×)")  # fmt: skip
    at_once, first = (base[kind] / made["llamaindex"]["written"] for kind in ("written", "first"))
    print(f"write path: {at_once:.1f} × LlamaIndex's, {first:.1f} × in a first import (asked: at least {FASTER:.0f} ×)")
    print(f"load average {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
