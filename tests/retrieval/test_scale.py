"""What the bench asks of retrieval beside its speed, as a corpus grows: rows, recall, and nothing of others."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
RECALL = {"scattered": 0.99, "correlated": 0.95}
FARTHEST = 0.9  # of a million, where a tenth is allowed and lies far from the question


@pytest.mark.parametrize(
    ("chunks", "questions"),
    [(1000, 4), pytest.param(1_000_000, 20, marks=[pytest.mark.proof, pytest.mark.timeout(7200)])],
)
def test_a_corpus_is_searched_completely_and_lets_nothing_out(tmp_path: Path, chunks: int, questions: int) -> None:
    figures = tmp_path / "figures.json"
    command = [sys.executable, "-m", "bench.retrieval", "--chunks", str(chunks), "--questions", str(questions)]
    done = subprocess.run([*command, "--json", str(figures)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    print(done.stdout)
    cells = json.loads(figures.read_text())["cells"]
    assert len(cells) == 10
    for cell in cells:
        where = f"{cell['allowed']:.1%} {cell['layout']}"
        assert cell["leaks"] == 0, where
        assert cell["rows"] == min(10, cell["exist"]), where
        hard = chunks > 100_000 and cell["layout"] == "correlated"
        assert cell["recall_at_10"] >= (FARTHEST if hard else RECALL[cell["layout"]]), where
