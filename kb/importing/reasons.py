"""Why a file could not be imported, as a sentence for people."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied, ValidationError

from kb.converting import ConversionError
from kb.importing.folders import Unreadable
from kb.publishing import Conflict


def reason(error: Exception) -> str:
    match error:
        case ValidationError():
            return " ".join(error.messages)
        case Conflict():
            return f"{error} Look at the differences again, and import again."
        case Unreadable() | ConversionError() | PermissionDenied():
            return str(error)
        case OSError():
            return f"The file could not be read: {error.strerror or error}."
        case _:
            return f"The file could not be imported ({type(error).__name__}: {error})."
