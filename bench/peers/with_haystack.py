"""Haystack: its document store with HNSW, both retrievers, and its joiner by reciprocal ranks."""

import os

os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "False"

from haystack import Document
from haystack.components.joiners import DocumentJoiner
from haystack.utils import Secret
from haystack_integrations.components.retrievers.pgvector import PgvectorEmbeddingRetriever, PgvectorKeywordRetriever
from haystack_integrations.document_stores.pgvector import PgvectorDocumentStore
from serving import DIMENSIONS, EF_SEARCH, HNSW, database, serve


class Haystack:
    def create(self):
        self.open("exact_nearest_neighbor")

    def open(self, strategy):
        one = database()
        address = " ".join(f"{name}='{value}'" for name, value in one.items())
        store = PgvectorDocumentStore(
            connection_string=Secret.from_token(address),
            create_extension=False,
            table_name="peer_haystack",
            embedding_dimension=DIMENSIONS,
            search_strategy=strategy,
            hnsw_index_creation_kwargs=dict(HNSW),
            hnsw_ef_search=EF_SEARCH,
            hnsw_index_name="peer_haystack_hnsw",
        )
        store._ensure_db_setup()
        self.store = store
        self.near = PgvectorEmbeddingRetriever(document_store=store, top_k=10)
        self.words = PgvectorKeywordRetriever(document_store=store, top_k=10)
        self.joiner = DocumentJoiner(join_mode="reciprocal_rank_fusion", top_k=10)

    def write(self, rows):
        self.store.write_documents(
            [
                Document(
                    id=str(row["id"]), content=row["text"], embedding=row["vector"], meta={"audience": row["audience"]}
                )
                for row in rows
            ]
        )

    def index(self):
        """From now on with its vector index, which it makes itself."""
        self.open("hnsw")

    def ask(self, text, vector, audiences, is_hybrid):
        allowed = {"field": "meta.audience", "operator": "in", "value": audiences}
        found = self.near.run(query_embedding=vector, filters=allowed)["documents"]
        if is_hybrid:
            words = self.words.run(query=text, filters=allowed)["documents"]
            found = self.joiner.run(documents=[found, words])["documents"]
        return [int(document.id) for document in found]


serve(Haystack())
