"""HTML, DOCX and PDF to Markdown, in a child process with limits: a hostile file can hurt only that."""

from kb.converting.documents import ConversionError
from kb.converting.process import SUFFIXES, Converted, Converter, environment

__all__ = ["SUFFIXES", "ConversionError", "Converted", "Converter", "environment"]
