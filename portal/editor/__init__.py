"""The editor's pages: find, write, compare, restore and publish articles, and see them as the retriever does."""
