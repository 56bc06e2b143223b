"""Interchangeable parts of the knowledge base: classes that settings choose by their dotted path."""
