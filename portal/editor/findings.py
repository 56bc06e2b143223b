"""What is wrong with a link, in a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kb import mending
from kb.models import Article, ArticleVersion, Link
from kb.permissions import Reader

HINTS = 5  # shown after a save
SENTENCES = {
    "missing": "No article that you may see has this address.",
    "collection": "No collection that you may see has this address.",
    "nowhere": "No page has this address.",
    "image": "There is no image at this address that this article may show.",
    "anchor": "“{aim}” has no heading with the anchor #{anchor}.",
    "unpublished": "Readers do not get “{aim}”: it is {state}.",
    "narrower": "“{aim}” is for fewer people ({audience}) than this article ({own}).",
}


@dataclass(frozen=True)
class Finding:
    """A link with its problem in words. `link` carries what `with_problems` notes."""

    link: Any
    sentence: str
    aim: Article | None


def findings(links: Sequence[Any]) -> list[Finding]:
    aims = Article.objects.select_related("latest_version", "audience").in_bulk(
        {link.aim for link in links if link.aim}
    )
    return [Finding(link, sentence(link, aims.get(link.aim)), aims.get(link.aim)) for link in links]


def sentence(link: Any, aim: Article | None) -> str:
    own = link.version.article
    return SENTENCES[link.problem].format(
        aim=aim.title if aim else own.title,
        anchor=link.anchor,
        state=aim.get_state_display().lower() if aim else "",
        audience=aim.audience if aim else "",
        own=own.audience,
    )


def hints(version: ArticleVersion, user: Reader) -> list[str]:
    """A line for each link of a version that has a problem, and how many more there are."""
    links = list(mending.problems(version, user).select_related("version__article__audience"))
    lines = [f"Line {one.link.line}, {named(one.link)}: {one.sentence}" for one in findings(links[:HINTS])]
    more = len(links) - HINTS
    return lines + ([f"{more} more stand{'s' if more == 1 else ''} on the page Links."] if more > 0 else [])


def named(link: Link) -> str:
    what = "image" if link.kind == Link.Kind.IMAGE else "link"
    return f"the {what} “{link.words}” to {link.address}" if link.words else f"the {what} to {link.address}"
