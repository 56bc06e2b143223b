"""What users would take instead, on the same rows: LangChain, LlamaIndex and Haystack over pgvector."""
