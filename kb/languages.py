"""Which text-search configuration belongs to an article's language. Pure."""

CONFIGURATIONS = {
    "ar": "arabic", "da": "danish", "nl": "dutch", "en": "english", "fi": "finnish", "fr": "french", "de": "german",
    "el": "greek", "hu": "hungarian", "it": "italian", "no": "norwegian", "pt": "portuguese", "ro": "romanian",
    "ru": "russian", "es": "spanish", "sv": "swedish", "tr": "turkish",
}  # fmt: skip
NAMES = {
    "ar": "Arabic", "da": "Danish", "nl": "Dutch", "en": "English", "fi": "Finnish", "fr": "French", "de": "German",
    "el": "Greek", "hu": "Hungarian", "it": "Italian", "no": "Norwegian", "pt": "Portuguese", "ro": "Romanian",
    "ru": "Russian", "es": "Spanish", "sv": "Swedish", "tr": "Turkish",
}  # fmt: skip


def configuration(language: str) -> str:
    """Our own configuration (migration `text_search`): the stemmer behind unaccent; `simple` for other languages."""
    return f"kb_{CONFIGURATIONS.get(language.partition('-')[0].lower(), 'simple')}"
