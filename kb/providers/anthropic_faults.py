"""What can go wrong with the Anthropic Messages API, each fault as a ProviderError in words for people."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from kb.errors import ProviderError

if TYPE_CHECKING:
    from anthropic import APIStatusError

NO_KEY = "There is no key for the model service: set ANTHROPIC_API_KEY, or choose the quoting generator."
EMPTY = "The model service gave an empty answer. Please try again."
CUT = "The connection to the model service was lost before the answer was complete. Please try again."
SLOW = "The model service did not begin to answer in time. Please try again."
LONG = "Writing the answer took too long and was stopped. Please ask for less at once."
UNREACHABLE = "The model service cannot be reached. Please try again in a moment."
UNREADABLE = "The model service sent something that could not be read. Please try again."
TOO_MUCH = "The conversation and its sources are too long for the model. Please start a new question."

Fault = tuple[str, bool]  # the message, and whether trying again later may help

BY_TYPE: dict[str, Fault] = {
    "rate_limit_error": (
        "The model service has too many questions from this site just now. Please try again in a minute.",
        True,
    ),
    "overloaded_error": ("The model service is overloaded just now. Please try again in a moment.", True),
    "api_error": ("The model service had an error of its own. Please try again in a moment.", True),
    "timeout_error": (SLOW, True),
    "conflict_error": ("The model service had an error of its own. Please try again in a moment.", True),
    "authentication_error": ("The model service does not accept this site's key: check ANTHROPIC_API_KEY.", False),
    "permission_error": ("This site's key for the model service may not use this model: check ANTHROPIC_MODEL.", False),
    "billing_error": ("The account at the model service cannot be billed: check its payment and limits.", False),
    "not_found_error": ("The model service does not know this model: check ANTHROPIC_MODEL.", False),
    "invalid_request_error": ("The model service did not accept the question as it was sent.", False),
    "request_too_large": (TOO_MUCH, False),
}
FOR_OPERATORS = {
    BY_TYPE[kind][0]
    for kind in (
        "authentication_error",
        "permission_error",
        "billing_error",
        "not_found_error",
        "invalid_request_error",
    )
}
BY_STATUS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
BY_STOP_REASON: dict[str | None, Fault] = {
    None: (CUT, True),
    "refusal": ("The model declined to answer this question.", False),
    "model_context_window_exceeded": (TOO_MUCH, False),
}
# The API has no code of its own for a prompt that is too long, only these words in its message.
TOO_LONG = re.compile(r"too (?:long|large|many tokens)|context (?:window|length)|maximum context", re.IGNORECASE)


def expected() -> tuple[type[Exception], ...]:
    """The exceptions that mean a fault of the service; a connection lost in mid-stream is a raw httpx2 error."""
    import httpx2
    from anthropic import AnthropicError

    return ProviderError, AnthropicError, httpx2.HTTPError, TimeoutError, json.JSONDecodeError


def explain(error: Exception, *, shown: bool) -> ProviderError:
    """The fault in words; `shown`: whether some of the answer had been written."""
    import httpx2
    from anthropic import APIConnectionError, APIStatusError

    match error:
        case ProviderError():
            return error
        case APIStatusError():
            message, temporary = _by_answer(error)
            return ProviderError(message, temporary=temporary, private=message in FOR_OPERATORS)
        case TimeoutError():
            return ProviderError(LONG if shown else SLOW, temporary=True)
        case APIConnectionError():
            return ProviderError(UNREACHABLE, temporary=True)
        case httpx2.HTTPError():
            return ProviderError(CUT, temporary=True)
    return ProviderError(UNREADABLE, temporary=True)


def retry_after(error: Exception) -> float | None:
    """The seconds the service asks us to wait, if it says so in digits."""
    from anthropic import APIStatusError

    value = error.response.headers.get("retry-after", "") if isinstance(error, APIStatusError) else ""
    return float(value) if re.fullmatch(r"\d{1,6}(?:\.\d+)?", value) else None


def _by_answer(error: APIStatusError) -> Fault:
    """By the type the service names, as an error in mid-stream comes with status 200; else by the status."""
    kind = error.type or BY_STATUS.get(
        error.status_code, "api_error" if error.status_code >= 500 else "invalid_request_error"
    )
    if kind == "invalid_request_error" and TOO_LONG.search(error.api_message or error.message):
        kind = "request_too_large"
    return BY_TYPE.get(kind, BY_TYPE["api_error"])
