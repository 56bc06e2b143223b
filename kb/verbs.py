"""What can be done to many articles at once, and for each article why not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError

from kb import deleting, permissions, publishing
from kb.models import Article, Audience, Collection
from kb.permissions import Action, Reader

MAX_TAGS = 20


@dataclass(frozen=True)
class Verb:
    """`needs`: the kind of value it asks for, if any. `idle`: why it would change nothing of this article, or ""."""

    name: str
    label: str
    done: str
    action: Action
    carry_out: Callable[[Article, Any, Reader], object]
    idle: Callable[[Article, Any], str]
    needs: str = ""


@dataclass(frozen=True)
class Change:
    """A verb with what to."""

    verb: Verb
    value: Any = None
    target: Any = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "target", target(self.verb, self.value))

    def carry_out(self, article: Article, *, by: Reader) -> None:
        self.verb.carry_out(article, self.target, by)


@dataclass(frozen=True)
class Outlook:
    """Which articles a change will reach, and which it cannot, each with the reason."""

    doable: list[Article]
    refused: list[tuple[Article, str]]


def target(verb: Verb, value: Any) -> Any:
    """The row a value names. Raises ValidationError when it is gone."""
    model: Any = {"collection": Collection, "audience": Audience, "owner": get_user_model()}.get(verb.needs)
    if model is None or value is None:
        return value
    found = model.objects.filter(pk=value).first()
    if found is None:
        raise ValidationError(f"The {verb.needs} that was chosen does not exist any more.")
    return found


def outlook(change: Change, articles: Iterable[Article], *, by: Reader) -> Outlook:
    """What would happen, told before it does. The verbs check all of it again when they are carried out."""
    may = {action: set(Collection.objects.writable_by(by, action).values_list("pk", flat=True)) for action in ACTIONS}
    doable, refused = [], []
    for article in articles:
        reason = obstacle(change, article, may, by)
        if reason:
            refused.append((article, reason))
        else:
            doable.append(article)
    return Outlook(doable, refused)


ACTIONS: Sequence[Action] = ("write", "publish")


def obstacle(change: Change, article: Article, may: dict[Action, set[int]], by: Reader) -> str:
    action = permissions.deleting(article) if change.verb.name == "delete" else change.verb.action
    if article.collection_id not in may[action]:
        return f"your role in “{article.collection}” does not allow it"
    is_shown = article.state == Article.State.PUBLISHED
    if change.verb.name == "move" and is_shown:
        for pk, collection in ((article.collection_id, article.collection), (change.value, change.target)):
            if pk not in may["publish"]:
                return f"it is published, and you do not publish in “{collection}”"
    if change.verb.name == "publish" and article.latest_version:
        try:
            publishing.refuse_own_text(article, article.latest_version, by=by)
        except ValidationError as error:
            return error.messages[0]
    return change.verb.idle(article, change.target)


# --- the verbs


def no_draft(article: Article, _: Any) -> str:
    return "" if article.has_draft else "readers have the latest version already"


def not_published(article: Article, _: Any) -> str:
    return "" if article.state == Article.State.PUBLISHED else "it is not published"


def is_archived(article: Article, _: Any) -> str:
    return "it is archived already" if article.state == Article.State.ARCHIVED else ""


def lacks_room(article: Article, tags: Sequence[str]) -> str:
    new = [tag for tag in tags if tag not in article.tags]
    if not new:
        return "it has that tag already" if len(tags) == 1 else "it has these tags already"
    return f"it would have more than {MAX_TAGS} tags" if len(article.tags) + len(new) > MAX_TAGS else ""


def lacks_tags(article: Article, tags: Sequence[str]) -> str:
    return "" if set(tags) & set(article.tags) else "it has no such tag"


def tag(article: Article, tags: Sequence[str], by: Reader) -> None:
    kept = publishing.lock(article).tags
    publishing.arrange(article, by=by, tags=[*kept, *(one for one in tags if one not in kept)])


def untag(article: Article, tags: Sequence[str], by: Reader) -> None:
    publishing.arrange(article, by=by, tags=[one for one in publishing.lock(article).tags if one not in tags])


def is_there(article: Article, where: Collection) -> str:
    return "it stands there already" if article.collection_id == where.pk else ""


def has_audience(article: Article, audience: Audience) -> str:
    return "its audience is that already" if article.audience_id == audience.pk else ""


def has_owner(article: Article, owner: Any) -> str:
    return "its owner is that person already" if article.owner_id == owner.pk else ""


def move(article: Article, where: Collection, by: Reader) -> None:
    publishing.arrange(article, by=by, collection=where)


def set_audience(article: Article, audience: Audience, by: Reader) -> None:
    publishing.arrange(article, by=by, audience=audience)


def set_owner(article: Article, owner: Any, by: Reader) -> None:
    publishing.arrange(article, by=by, owner=owner)


def alone(verb: Callable[..., object]) -> Callable[[Article, Any, Reader], object]:
    """A verb of publishing that needs no value."""
    return lambda article, _, by: verb(article, by=by)


EVERY = (
    Verb("publish", "Publish", "published", "publish", alone(publishing.publish), no_draft),
    Verb("unpublish", "Unpublish", "unpublished", "publish", alone(publishing.unpublish), not_published),
    Verb("archive", "Archive", "archived", "publish", alone(publishing.archive), is_archived),
    Verb("move", "Move", "moved", "write", move, is_there, "collection"),
    Verb("tag", "Add tags", "tagged", "write", tag, lacks_room, "tags"),
    Verb("untag", "Remove tags", "untagged", "write", untag, lacks_tags, "tags"),
    Verb("audience", "Set audience", "given another audience", "publish", set_audience, has_audience, "audience"),
    Verb("owner", "Set owner", "given another owner", "write", set_owner, has_owner, "owner"),
    Verb("delete", "Delete", "moved to the trash", "write", alone(deleting.delete), lambda article, _: ""),
)
VERBS = {verb.name: verb for verb in EVERY}
