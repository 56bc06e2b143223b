"""Servers of our own on the loopback interface: the Anthropic Messages API and /v1/embeddings, faults included."""
