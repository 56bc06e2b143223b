"""Text-search configurations of our own: each language's stemmer behind unaccent, so that `cafe` finds `café`."""

from django.db import migrations

LANGUAGES = (
    "arabic", "danish", "dutch", "english", "finnish", "french", "german", "greek", "hungarian", "italian", "norwegian",
    "portuguese", "romanian", "russian", "simple", "spanish", "swedish", "turkish",
)  # fmt: skip


def stemmer(language: str) -> str:
    return "simple" if language == "simple" else f"{language}_stem"


FORWARD = [
    statement
    for language in LANGUAGES
    for statement in (
        f"CREATE TEXT SEARCH CONFIGURATION kb_{language} (COPY = pg_catalog.{language})",
        f"ALTER TEXT SEARCH CONFIGURATION kb_{language} ALTER MAPPING FOR hword, hword_part, word"
        f" WITH unaccent, {stemmer(language)}",
    )
]
BACKWARD = [f"DROP TEXT SEARCH CONFIGURATION kb_{language}" for language in LANGUAGES]


class Migration(migrations.Migration):
    dependencies = [("kb", "0002_immutable_versions")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
