"""LlamaIndex: its PGVectorStore with hybrid search, as its documentation sets it up."""

from llama_index.core.schema import TextNode
from llama_index.core.vector_stores.types import (
    FilterOperator,
    MetadataFilter,
    MetadataFilters,
    VectorStoreQuery,
    VectorStoreQueryMode,
)
from llama_index.vector_stores.postgres import PGVectorStore
from serving import DIMENSIONS, EF_SEARCH, HNSW, serve, url

OPTIONS = {f"hnsw_{name}": value for name, value in HNSW.items()} | {"hnsw_ef_search": EF_SEARCH}


class LlamaIndex:
    def create(self):
        self.store = self.opened("peer_llamaindex")

    def opened(self, name, **more):
        store = PGVectorStore(
            connection_string=url("psycopg2"),
            async_connection_string=url("asyncpg"),
            table_name=name,
            schema_name="public",
            hybrid_search=True,
            text_search_config="english",
            embed_dim=DIMENSIONS,
            **more,
        )
        store._initialize()
        return store

    def write(self, rows):
        self.store.add(
            [
                TextNode(
                    id_=str(row["id"]),
                    text=row["text"],
                    embedding=row["vector"],
                    metadata={"audience": row["audience"]},
                )
                for row in rows
            ]
        )

    def index(self):
        """From now on with its vector index, which it makes itself."""
        self.store = self.opened("peer_llamaindex", hnsw_kwargs=dict(OPTIONS))

    def ask(self, text, vector, audiences, is_hybrid):
        allowed = MetadataFilter(key="audience", operator=FilterOperator.IN, value=audiences)
        mode = VectorStoreQueryMode.HYBRID if is_hybrid else VectorStoreQueryMode.DEFAULT
        found = self.store.query(
            VectorStoreQuery(
                query_embedding=vector,
                query_str=text,
                similarity_top_k=10,
                sparse_top_k=10,
                mode=mode,
                filters=MetadataFilters(filters=[allowed]),
            )
        )
        return [int(pk) for pk in found.ids]


serve(LlamaIndex())
