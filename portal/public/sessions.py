"""What is remembered of a visit: who gave feedback, by a hash, and which articles were opened today."""

from django.utils import timezone
from django.utils.crypto import salted_hmac

from kb.models import Article
from portal.htmx import Request


def visitor(request: Request) -> str:
    """A name for this session that does not reveal it: stored beside feedback, so that each visitor counts once."""
    request.session.keys()  # a browser may bring a key that is long gone: looking it up clears it
    if not request.session.session_key:
        request.session.create()
    key = request.session.session_key or ""
    return salted_hmac("portal.visitor", key, algorithm="sha256").hexdigest()


def opens_first_today(request: Request, article: Article) -> bool:
    """Whether this session opens the article for the first time today; notes that it did."""
    today = timezone.localdate().isoformat()
    day, opened = request.session.get("opened", ("", []))
    opened = opened if day == today else []
    if article.pk in opened:
        return False
    request.session["opened"] = (today, [*opened, article.pk][-500:])
    return True
