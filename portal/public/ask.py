"""Asking, and the page of an answer. One way to ask: a POST makes the row and its address, for scripts and without.

Views that may wait for an answer are async; what touches the database runs in worker threads, which give their
connection back, so that a reader who waits holds none.
"""

from __future__ import annotations

import uuid

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import close_old_connections
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from kb import limits, recalling, recording
from kb.limits import TooMany
from kb.models import Answer, Feedback
from kb.recalling import Opened
from kb.threads import database
from portal.htmx import Request, render
from portal.public import answers
from portal.public.errors import not_found
from portal.public.sessions import visitor
from streaming import runs

WAIT_SECONDS = 50.0  # for readers without scripts; most proxies give up after 60
STOP_SECONDS = 2.0  # until a stop shows on the page


@require_http_methods(["GET", "HEAD", "POST"])
async def ask(request: Request) -> HttpResponse:
    """The form, with the question of `?q=`; a POST asks it. `live` is what our script adds: it follows by itself."""
    if request.method != "POST":
        return await database(form)(request, request.GET.get("q", ""))
    response, asked = await database(create)(request)
    if asked and "live" not in request.POST:
        await wait(asked.pk, seconds=WAIT_SECONDS)
    return response


@require_safe
async def answer(request: Request, answer_id: uuid.UUID) -> HttpResponse:
    """The answer as far as it is written; with `?wait=1`, for readers without scripts, when it is complete."""
    if "wait" in request.GET:
        opened = await database(open_for)(request, answer_id)
        if opened and opened.readable:
            await wait(answer_id, seconds=WAIT_SECONDS)
            return redirect("answer", answer_id)
    return await database(page)(request, answer_id)


@require_POST
async def stop(request: Request, answer_id: uuid.UUID) -> HttpResponse:
    """Stop the writing; only for the one who asked."""
    opened = await database(open_for)(request, answer_id)
    if opened is None or not opened.mine:
        return await database(not_found)(request)
    await runs.here().stop(answer_id)
    await wait(answer_id, seconds=STOP_SECONDS)
    return redirect("answer", answer_id)


@require_POST
def feedback(request: Request, answer_id: uuid.UUID) -> HttpResponse:
    """Keep whether it helped: one opinion a visitor, the last one counts."""
    opened = open_for(request, answer_id)
    if opened is None or not opened.readable or not opened.answer.is_finished:
        return not_found(request)
    helped = request.POST.get("helped")
    if helped in ("yes", "no"):
        why = [reason for reason in request.POST.getlist("why") if reason in Feedback.REASONS]
        Feedback.objects.update_or_create(
            answer=opened.answer,
            session_hash=visitor(request),
            defaults={"helped": helped == "yes", "reasons": why if helped == "no" else []},
        )
    if request.htmx:
        return render(
            request, "public/answer.html", answers.feedback_context(opened.answer, visitor(request)), partial="feedback"
        )
    return redirect(f"{opened.answer.get_absolute_url()}#feedback")


async def wait(answer_id: uuid.UUID, *, seconds: float) -> None:
    """Follow the answer to its end, without holding the connection that the middlewares may have opened."""
    await sync_to_async(close_old_connections)()
    await runs.here().complete(answer_id, seconds=seconds)


# --- in worker threads


def form(request: Request, question: str, *, error: str = "", previous: str = "", status: int = 200) -> HttpResponse:
    context = {"question": question, "error": error, "previous": previous, "limit": settings.QUESTION_LIMIT}
    return render(request, "public/ask.html", context, status=status)


def create(request: Request) -> tuple[HttpResponse, Answer | None]:
    """Make the row. Gives the response, and the answer unless the question was wrong or came too often."""
    question, previous = request.POST.get("q", ""), request.POST.get("previous", "")
    try:
        asked = recording.ask(
            question,
            user=request.user,
            session_key=session_of(request),
            previous=earlier(request, previous),
            visitor=limits.hashed(request.META.get("REMOTE_ADDR", "")),
            anew="again" in request.POST,
        )
    except TooMany as refused:
        error = f"{refused} Yours is still here: send it again in {refused.seconds} s."
        response = form(request, question, error=error, previous=previous, status=429)
        response["Retry-After"] = str(refused.seconds)
        return response, None
    except ValidationError as refused:
        return form(request, question, error=refused.messages[0], previous=previous, status=422), None
    if request.htmx:
        return HttpResponseClientRedirect(asked.get_absolute_url()), asked
    return redirect(asked), asked


def page(request: Request, answer_id: uuid.UUID) -> HttpResponse:
    recording.mark_interrupted(answer_id)
    opened = open_for(request, answer_id)
    if opened is None:
        return not_found(request)
    name = visitor(request) if key_of(request) else ""
    context = answers.context(opened, request) | answers.feedback_context(opened.answer, name)
    return render(request, "public/answer.html", context, partial="answer")


def open_for(request: Request, answer_id: uuid.UUID) -> Opened | None:
    return recalling.open_answer(answer_id, user=request.user, session_key=key_of(request))


def earlier(request: Request, previous: str) -> Answer | None:
    """The answer this question follows, if it is finished and this reader may read it: its text goes along."""
    try:
        opened = open_for(request, uuid.UUID(previous))
    except ValueError:
        return None
    return opened.answer if opened and opened.readable and opened.answer.is_finished else None


def session_of(request: Request) -> str | None:
    """The key of this visit's session; begun with the first question, so that the asker can come back to the answer."""
    if not key_of(request):
        request.session.create()
    return request.session.session_key


def key_of(request: Request) -> str | None:
    """The session's key, None when there is none; looked up, since a browser may bring one that is long gone."""
    request.session.keys()
    return request.session.session_key
