"""Languages of articles: their names, and which text-search configuration belongs to each. Pure."""

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


SITE = "en"  # what the pages are in


def configuration(language: str) -> str:
    """Our own configuration (migration `text_search`): the stemmer behind unaccent; `simple` for other languages."""
    return f"kb_{CONFIGURATIONS.get(main(language), 'simple')}"


def main(language: str) -> str:
    """The language of a code without its region: pt-BR is pt."""
    return language.partition("-")[0].lower()


def name(language: str) -> str:
    return NAMES.get(main(language), language)


def foreign(language: str) -> str:
    """The name of a language that is not the one that everything else on a page is in; empty for that one."""
    return "" if main(language) == SITE else name(language)
