"""The knowledge base's tables: articles, passages (the index), answers, evaluations."""

from kb.models.answers import Answer, AnswerSource, Feedback
from kb.models.articles import Article, ArticleVersion, AuditEntry, ReadCount, Redirect
from kb.models.collections import Audience, Collection, Membership
from kb.models.desks import Autosave, Presence
from kb.models.evaluations import DismissedQuestion, EvaluationCase, EvaluationRun, EvaluationSet, RightArticle
from kb.models.generations import Generation, Spending
from kb.models.images import Image, ImageUpload, ImageUse
from kb.models.imports import ImportArchive, ImportFile, ImportRun
from kb.models.lifecycle import Batch, BatchItem, Deletion, Remark, Review
from kb.models.links import Comparison, Likeness, Link, Outline
from kb.models.operations import Metering, Pace, RecallProbe
from kb.models.passages import (
    Calibration,
    Chunk,
    CorpusStatistics,
    Embedder,
    Embedding,
    IndexedVersion,
    IndexJob,
    IndexRun,
    Lexeme,
    Passage,
    TokenVectors,
    Worker,
)
from kb.models.visits import OpenSocket

__all__ = [
    "Answer",
    "AnswerSource",
    "Article",
    "ArticleVersion",
    "Audience",
    "AuditEntry",
    "Autosave",
    "Batch",
    "BatchItem",
    "Calibration",
    "Chunk",
    "Collection",
    "Comparison",
    "CorpusStatistics",
    "Deletion",
    "DismissedQuestion",
    "Embedder",
    "Embedding",
    "EvaluationCase",
    "EvaluationRun",
    "EvaluationSet",
    "Feedback",
    "Generation",
    "Image",
    "ImageUpload",
    "ImageUse",
    "ImportArchive",
    "ImportFile",
    "ImportRun",
    "IndexJob",
    "IndexRun",
    "IndexedVersion",
    "Lexeme",
    "Likeness",
    "Link",
    "Membership",
    "Metering",
    "OpenSocket",
    "Outline",
    "Pace",
    "Passage",
    "Presence",
    "ReadCount",
    "RecallProbe",
    "Redirect",
    "Remark",
    "Review",
    "RightArticle",
    "Spending",
    "TokenVectors",
    "Worker",
]
