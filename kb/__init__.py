"""The knowledge base: articles, their index, search and cited answers."""
