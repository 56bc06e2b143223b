"""What readers were served, in order: the database itself writes down every move of a published pointer.

Only for databases that are thrown away, and for tests: it adds a trigger to the table of articles.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

WATCH = """
CREATE TABLE watched_moves (step bigserial, article_id bigint, version_id bigint);
CREATE FUNCTION watched_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.published_version_id IS NOT NULL AND NEW.published_version_id IS DISTINCT FROM OLD.published_version_id THEN
    INSERT INTO watched_moves (article_id, version_id) VALUES (NEW.id, NEW.published_version_id);
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER watched_article AFTER UPDATE ON kb_article FOR EACH ROW EXECUTE FUNCTION watched_move();
"""
FORGET = "DROP TRIGGER watched_article ON kb_article; DROP FUNCTION watched_move(); DROP TABLE watched_moves;"
BACKWARDS = """
SELECT count(*) FROM (
  SELECT version.number, lag(version.number) OVER (PARTITION BY served.article_id ORDER BY served.step) AS before
  FROM watched_moves AS served JOIN kb_articleversion AS version ON version.id = served.version_id
) AS moves WHERE number < before
"""


@contextmanager
def watched() -> Iterator[None]:
    """Note what is served while the block runs."""
    run(WATCH)
    try:
        yield
    finally:
        run(FORGET)


def moves() -> int:
    return count("SELECT count(*) FROM watched_moves")


def moves_backwards() -> int:
    """How often an article went from a newer version to an older one."""
    return count(BACKWARDS)


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def count(statement: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        [number] = cursor.fetchone()
    return int(number)
