"""The knowledge base's tables: articles, passages (the index), answers."""

from kb.models.answers import Answer, AnswerSource, Feedback
from kb.models.articles import (
    Article,
    ArticleVersion,
    Audience,
    AuditEntry,
    Collection,
    Membership,
    ReadCount,
    Redirect,
)
from kb.models.passages import (
    Chunk,
    CorpusStatistics,
    Embedder,
    Embedding,
    IndexedVersion,
    IndexJob,
    Lexeme,
    Passage,
    TokenVectors,
)

__all__ = [
    "Answer",
    "AnswerSource",
    "Article",
    "ArticleVersion",
    "Audience",
    "AuditEntry",
    "Chunk",
    "Collection",
    "CorpusStatistics",
    "Embedder",
    "Embedding",
    "Feedback",
    "IndexJob",
    "IndexedVersion",
    "Lexeme",
    "Membership",
    "Passage",
    "ReadCount",
    "Redirect",
    "TokenVectors",
]
