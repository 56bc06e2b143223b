"""Evaluation: labelled sets, put through the product's own paths in a database that is thrown away."""

from kb.evaluation.sets import Case, EvaluationError, LabelledSet, load, load_corpus
from kb.evaluation.throwaway import Progress, index_corpus, throwaway_database

__all__ = [
    "Case",
    "EvaluationError",
    "LabelledSet",
    "Progress",
    "index_corpus",
    "load",
    "load_corpus",
    "throwaway_database",
]
