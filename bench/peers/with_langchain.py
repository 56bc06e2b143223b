"""LangChain: its PGVectorStore with a column for the audience, a stored tsvector and its own fusion."""

from langchain_core.embeddings import Embeddings
from langchain_postgres import Column, PGEngine, PGVectorStore
from langchain_postgres.v2.hybrid_search_config import HybridSearchConfig, reciprocal_rank_fusion
from langchain_postgres.v2.indexes import HNSWIndex, HNSWQueryOptions
from serving import DIMENSIONS, EF_SEARCH, HNSW, serve, url

TABLE = "peer_langchain"


class Given(Embeddings):
    """No model: vectors come with the rows and with the questions."""

    def embed_documents(self, texts):
        raise NotImplementedError

    def embed_query(self, text):
        raise NotImplementedError


def hybrid(text=""):
    """A new one for each question: a store that keeps its own searches for the words of its first question for ever."""
    return HybridSearchConfig(
        tsv_column="content_tsv",
        tsv_lang="pg_catalog.english",
        fts_query=text,
        fusion_function=reciprocal_rank_fusion,
        primary_top_k=50,
        secondary_top_k=50,
    )


class LangChain:
    def create(self):
        self.engine = PGEngine.from_connection_string(url("psycopg"))
        self.engine.init_vectorstore_table(
            TABLE,
            DIMENSIONS,
            id_column=Column("langchain_id", "bigint", nullable=False),
            metadata_columns=[Column("audience", "bigint")],
            hybrid_search_config=hybrid(),
        )
        self.store = PGVectorStore.create_sync(
            self.engine,
            Given(),
            TABLE,
            metadata_columns=["audience"],
            index_query_options=HNSWQueryOptions(ef_search=EF_SEARCH),
        )
        self.writer = PGVectorStore.create_sync(
            self.engine, Given(), TABLE, metadata_columns=["audience"], hybrid_search_config=hybrid()
        )

    def write(self, rows):
        self.writer.add_embeddings(
            [row["text"] for row in rows],
            [row["vector"] for row in rows],
            metadatas=[{"audience": row["audience"]} for row in rows],
            ids=[row["id"] for row in rows],
        )

    def index(self):
        """From now on with its vector index and its text index, which it makes itself."""
        self.writer.apply_vector_index(HNSWIndex(name="peer_langchain_hnsw", **HNSW))
        self.writer.apply_hybrid_search_index()

    def ask(self, text, vector, audiences, is_hybrid):
        more = {"hybrid_search_config": hybrid(text)} if is_hybrid else {}
        found = self.store.similarity_search_with_score_by_vector(
            vector, k=10, filter={"audience": {"$in": audiences}}, **more
        )
        return [int(document.id) for document, _ in found]


serve(LangChain())
