"""Who is asking: links from the bot, the browser they are bound to, sessions, and forms."""

import hmac
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote, urlencode, urlsplit
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Match, Route

from storage import audit, console, limits, sign_in, unreadable
from storage.access import Action, Denied
from storage.console import Member, Told
from storage.database import Database
from storage.errors import (
    Conflict,
    KeyDestroyed,
    KeyTrouble,
    NotFound,
    StorageUnavailable,
    Unreadable,
)
from storage.sign_in import Question, Refused, Session
from storage.transaction import Tx
from storage.transcript import Outgoing, enqueue
from web.guard import own_names
from web.pages import error_page, page
from web.words import Translate, Translator, in_english

T = TypeVar("T")

MOST_FORM_BYTES = 16 * 1024
MOST_FIELDS = 50
NONCE_SECONDS = 900
LONGEST_BACK = 600
_OWN_PATH = re.compile(r"/(?!/)[A-Za-z0-9/_.-]*(\?[A-Za-z0-9=&%+:._-]*)?")
HOME = {"console": "/console", "case": "/case/{target}"}
"""Where a link leads, by its purpose."""


class SignInNeeded(Exception):
    """There is no session, or it has ended."""


class StepUpNeeded(Exception):
    """The person has to confirm in the chat first; ``back`` is the page that needs it."""

    def __init__(self, back: str) -> None:
        super().__init__("step up")
        self.back = back


class BadForm(Exception):
    """A form that did not come from our page, or holds what it cannot hold."""

    def __init__(self, status: int = 400, notice: str = "") -> None:
        super().__init__(f"form refused: {status}")
        self.status = status
        self.notice = notice


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of somebody who is signed in."""

    member: Member
    session: Session
    form_token: str
    now: datetime

    @property
    def stepped_up(self) -> bool:
        return self.session.stepped_up(self.now)


@dataclass(slots=True)
class Access:
    """Signing in, and the one way from a request to the database for whoever is signed in."""

    database: Database
    public_url: str | None = None
    notify: Callable[[int], None] = lambda chat: None
    """Told after a commit that something waits to be sent to this chat."""
    translator: Translator = in_english
    names: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.names = own_names(self.public_url)

    @property
    def secure(self) -> bool:
        return self.public_url is not None

    @property
    def cookie(self) -> str:
        """The name of the session's cookie; the prefix makes browsers refuse it over plain HTTP."""
        return "__Host-curbside" if self.secure else "curbside"

    @property
    def nonce_cookie(self) -> str:
        return "__Host-curbside-browser" if self.secure else "curbside-browser"

    # --- pages of whoever is signed in ----------------------------------------------------

    async def enter(
        self,
        request: Request,
        code: str,
        unit: Callable[[Tx, Visit], T],
        *,
        action: str = Action.AUDIT_READ,
        consult_id: UUID | None = None,
        meta: Mapping[str, int | str] | None = None,
        recorded: str = "console.read",
    ) -> tuple[Visit, T]:
        """Return what ``unit`` read, once it is on record who looked at the page ``code``.

        Session, leave, reading and the row on record are one transaction: if the row cannot be
        written, nothing is shown.
        """

        def reading(tx: Tx) -> tuple[Visit, T]:
            visit = self.visit(tx, request, action)
            found = unit(tx, visit)
            unreadable.on_record(tx, visit.member.id)
            audit.record(
                tx,
                audit.Event(
                    actor=visit.member.id,
                    action=recorded,
                    object_type=code,
                    consult_id=consult_id,
                    meta=meta or {},
                ),
            )
            return visit, found

        return await self.written(reading)

    async def act(
        self,
        request: Request,
        unit: Callable[[Tx, Visit, Mapping[str, str]], T],
        *,
        action: str = Action.AUDIT_READ,
        step_up: bool = False,
    ) -> T:
        """Return what ``unit`` did with a form of ours; it puts what it does on record itself."""
        fields = await form(request, self.names)

        def acting(tx: Tx) -> T:
            visit = self.visit(tx, request, action)
            check_token(fields, visit.form_token)
            if step_up and not visit.stepped_up:
                raise StepUpNeeded(back=_path_of(fields.get("back", ""), "/console"))
            done = unit(tx, visit, fields)
            unreadable.on_record(tx, visit.member.id)
            return done

        return await self.written(acting)

    def visit(self, tx: Tx, request: Request, action: str) -> Visit:
        """Return who is asking; raises SignInNeeded, or Denied when they may not."""
        visit = self.signed_in(tx, request)
        console.authorize(tx, visit.member, action)
        return visit

    def signed_in(self, tx: Tx, request: Request) -> Visit:
        """Return who is asking, who may not be allowed anything; raises SignInNeeded."""
        secret = request.cookies.get(self.cookie, "")
        try:
            session = sign_in.session(tx, secret)
        except Refused:
            raise SignInNeeded from None
        member = console.member(tx, session.person_id)
        return Visit(member, session, form_token(secret), tx.now)

    async def written(self, unit: Callable[[Tx], T]) -> T:
        """Return what ``unit`` did; a denial is put on record in a transaction of its own."""
        try:
            return await self.database.write(unit)
        except Denied as denied:
            event = denied.event
            await self.database.write(lambda tx: audit.record(tx, event))
            raise
        except (KeyTrouble, Unreadable) as error:
            trouble = error
            await self.database.write(lambda tx: unreadable.failed(tx, None, trouble))
            raise

    async def note(self, request: Request, status: int) -> None:
        """Put on record that a request was refused, of whoever's session or link it came with.

        Requests of nobody are not: anybody could fill the log with them.
        """
        secret = request.cookies.get(self.cookie, "")
        token = request.path_params.get("token", "")

        def unit(tx: Tx) -> None:
            if request.url.path.startswith("/sign-in/"):
                sign_in.note_refused(tx, token)
                return
            try:
                session = sign_in.session(tx, secret)
            except Refused:
                return
            event = audit.Event(
                actor=session.person_id,
                action="console.refuse",
                object_type="page",
                outcome="refused",
                meta={"status": status},
            )
            audit.record(tx, event)

        with suppress(StorageUnavailable):
            await self.database.write(unit)

    async def note_limit(self, request: Request) -> None:
        """Put on record that a session asked for too much; of requests of nobody nothing is."""
        secret = request.cookies.get(self.cookie, "")

        def unit(tx: Tx) -> None:
            with suppress(Refused):
                limits.note(tx, sign_in.session(tx, secret).person_id, "pages")

        with suppress(StorageUnavailable):
            await self.database.write(unit)

    # --- the link -------------------------------------------------------------------------

    async def opened(self, request: Request) -> Response:
        """Show what a link is for. Asking for a page changes nothing: previews ask for pages too."""
        token, nonce = request.path_params["token"], request.cookies.get(self.nonce_cookie, "")
        found = await self.database.read(lambda tx: sign_in.look(tx, token, nonce))
        nonce = nonce or secrets.token_urlsafe(sign_in.TOKEN_BYTES)
        answer = page(
            "sign_in.html",
            found=found,
            token=token,
            form_token=form_token(nonce),
            refresh=2 if found.state == "asked" else None,
        )
        self._set(answer, self.nonce_cookie, nonce, NONCE_SECONDS)
        return answer

    async def code(self, _request: Request) -> Response:
        """Show where a code from the chat is typed."""
        return page("sign_in_code.html")

    async def typed(self, request: Request) -> Response:
        """Lead to the link that a typed code stands for; a wrong one looks like an expired one."""
        fields = await form(request, self.names)
        code = sign_in.as_code(fields.get("code", ""))
        return RedirectResponse(f"/sign-in/{quote(code, safe='') or '-'}", 303)

    async def bound(self, request: Request) -> Response:
        """Tie the link to this browser and ask, in the chat, for the number it shows."""
        token, nonce, _ = await self._from_page(request)

        def unit(tx: Tx) -> Question | None:
            question = sign_in.bind(tx, token, nonce)
            if question is not None:
                ask(tx, question, self.translator(question.language))
            return question

        question = await self.database.write(unit)
        if question is not None:
            self.notify(question.telegram_id)
        return RedirectResponse(f"/sign-in/{token}", 303)

    async def entered(self, request: Request) -> Response:
        """Use the link up, and begin a session."""
        token, nonce, _ = await self._from_page(request)
        secret, used = await self.database.write(lambda tx: sign_in.consume(tx, token, nonce))
        home = HOME.get(used.purpose, "/console").format(target=used.target)
        answer = RedirectResponse(home, 303)
        self._set(answer, self.cookie, secret, int(sign_in.SESSION_LASTS.total_seconds()))
        self._forget(answer, self.nonce_cookie)
        return answer

    async def left(self, request: Request) -> Response:
        """End the session."""
        fields = await form(request, self.names)

        def unit(tx: Tx) -> None:
            visit = self.signed_in(tx, request)
            check_token(fields, visit.form_token)
            sign_in.revoke(tx, visit.session.id, by=visit.member.id)

        await self.written(unit)
        answer = RedirectResponse("/signed-out", 303)
        self._forget(answer, self.cookie)
        return answer

    async def signed_out(self, _request: Request) -> Response:
        return page("signed_out.html")

    async def _from_page(self, request: Request) -> tuple[str, str, Mapping[str, str]]:
        nonce = request.cookies.get(self.nonce_cookie, "")
        fields = await form(request, self.names)
        if not nonce:
            raise BadForm(403, "Open the link from the bot in this browser first.")
        check_token(fields, form_token(nonce))
        return request.path_params["token"], nonce, fields

    # --- confirming again -------------------------------------------------------------------

    async def confirm(self, request: Request) -> Response:
        """Show the number to pick in the chat, or what comes next."""
        back = _path_of(request.query_params.get("back", ""), "/console")

        def unit(tx: Tx, visit: Visit) -> sign_in.SignIn | None:
            return sign_in.asked_again(tx, visit.session)

        visit, asked = await self.enter(request, "confirm", unit)
        if visit.stepped_up:
            return RedirectResponse(back, 303)
        waiting = asked is not None and asked.state == "asked"
        return page(
            "confirm.html",
            visit=visit,
            asked=asked,
            back=back,
            here="",
            refresh=2 if waiting else None,
        )

    async def confirm_ask(self, request: Request) -> Response:
        secret = request.cookies.get(self.cookie, "")

        def unit(tx: Tx, visit: Visit, fields: Mapping[str, str]) -> tuple[Question, str]:
            question = sign_in.ask_again(tx, visit.session, secret)
            ask(tx, question, self.translator(question.language))
            return question, _path_of(fields.get("back", ""), "/console")

        question, back = await self.act(request, unit)
        self.notify(question.telegram_id)
        return RedirectResponse(confirming(back), 303)

    async def confirmed(self, request: Request) -> Response:
        def unit(tx: Tx, visit: Visit, fields: Mapping[str, str]) -> tuple[bool, str]:
            done = sign_in.step_up(tx, visit.session)
            return done, _path_of(fields.get("back", ""), "/console")

        done, back = await self.act(request, unit)
        return RedirectResponse(back if done else confirming(back), 303)

    # --- cookies and routes -----------------------------------------------------------------

    def _set(self, answer: Response, name: str, value: str, seconds: int) -> None:
        answer.set_cookie(
            name,
            value,
            max_age=seconds,
            path="/",
            secure=self.secure,
            httponly=True,
            samesite="strict",
        )

    def _forget(self, answer: Response, name: str) -> None:
        answer.delete_cookie(name, path="/", secure=self.secure, httponly=True, samesite="strict")

    def routes(self) -> list[Route]:
        return [
            Route("/sign-in", self.code, methods=["GET"]),
            Route("/sign-in", self.typed, methods=["POST"]),
            Route("/sign-in/{token}", self.opened, methods=["GET"]),
            Route("/sign-in/{token}/ask", self.bound, methods=["POST"]),
            Route("/sign-in/{token}", self.entered, methods=["POST"]),
            Route("/sign-out", self.left, methods=["POST"]),
            Route("/signed-out", self.signed_out, methods=["GET"]),
            Route("/confirm", self.confirm, methods=["GET"]),
            Route("/confirm/ask", self.confirm_ask, methods=["POST"]),
            Route("/confirm", self.confirmed, methods=["POST"]),
        ]


def ask(tx: Tx, question: Question, t: Translate) -> None:
    """Put the question with its numbers in the person's chat."""
    identity = question.sign_in.id.hex
    numbers = [
        {"text": str(number), "callback_data": f"1|signin||{identity}|{number}|"}
        for number in question.choices
    ]
    none = {"text": t("None of these"), "callback_data": f"1|signin||{identity}|0|"}
    again = question.sign_in.purpose == "step_up"
    words = (
        t(
            "Your open console wants to export, or to read the text of a case.\n\n"
            "If that is you: which number does the page show?"
        )
        if again
        else t("A browser wants to open the console as you.\n\nWhich number does it show?")
    )
    enqueue(
        tx,
        Outgoing(
            chat_id=question.telegram_id,
            method="sendMessage",
            params={"text": words, "reply_markup": {"inline_keyboard": [numbers, [none]]}},
            person_id=question.sign_in.person_id,
            kind="sign_in",
        ),
    )


def tell(tx: Tx, whom: Told, words: str) -> int:
    """Put a notice in somebody's chat, and return the chat to deliver to after the commit."""
    enqueue(
        tx,
        Outgoing(
            chat_id=whom.chat_id,
            method="sendMessage",
            params={"text": words},
            person_id=whom.person_id,
            kind="notice",
        ),
    )
    return whom.chat_id


# --- forms --------------------------------------------------------------------------------------


def form_token(secret: str) -> str:
    """Return what our forms carry: only a page of ours, shown to this browser, can know it."""
    return hmac.digest(secret.encode(), b"curbside form", "sha256").hex()


def check_token(fields: Mapping[str, str], expected: str) -> None:
    if not hmac.compare_digest(fields.get("token", "").encode(), expected.encode()):
        raise BadForm(403, "The form is too old or not from this page. Open the page again.")


async def form(
    request: Request, names: frozenset[str], most: int = MOST_FORM_BYTES
) -> Mapping[str, str]:
    """Return the fields of a form of ours; raises BadForm for another site's, or over ``most`` bytes."""
    origin = request.headers.get("origin")
    if origin not in {None, "null"} and not _is_own(str(origin), request, names):
        raise BadForm(403)  # "null" is what no-referrer makes of our own
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise BadForm(403)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise BadForm(415)
    return _fields(await _body(request, most))


def _is_own(origin: str, request: Request, names: frozenset[str]) -> bool:
    try:
        parts = urlsplit(origin)
        return parts.hostname in names and parts.netloc == request.headers.get("host")
    except ValueError:
        return False


async def _body(request: Request, most: int) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > most:
            raise BadForm(413)
    return bytes(body)


def _fields(body: bytes) -> Mapping[str, str]:
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(body),
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except ValueError:
        raise BadForm from None
    return dict(pairs)


def _path_of(given: str, otherwise: str) -> str:
    """Return an address of these pages; anything that could lead elsewhere is not followed."""
    ours = len(given) <= LONGEST_BACK and _OWN_PATH.fullmatch(given)
    return given if ours else otherwise


def confirming(back: str) -> str:
    return f"/confirm?{urlencode({'back': back})}"


# --- what is refused ----------------------------------------------------------------------------


async def on_refusal(request: Request, error: Exception) -> Response:
    """Return the page for what a route refused, once it is on record whose session asked for it."""
    if isinstance(error, StepUpNeeded):
        return RedirectResponse(confirming(error.back), 303)
    status = error.status if isinstance(error, BadForm) else STATUS[type(error)]
    back = way_back(request, error) if status in RETURNING else ""
    if not isinstance(error, NOT_NOTED):
        access: Access = request.app.state.access
        await access.note(request, status)
    return error_page(status, _notice(error), back)


RETURNING = frozenset({400, 409, 413, 429})
"""Refusals after which one goes back to the page one came from, and does it otherwise."""


def way_back(request: Request, error: Exception) -> str:
    """Return the page that a refused form or filter stands on, without what was wrong with it."""
    path = request.url.path
    if request.method in ("GET", "HEAD"):
        without = getattr(error, "without", ())
        kept = [(k, v) for k, v in request.query_params.multi_items() if k not in without]
        if without and kept:
            return f"{path}?{urlencode(kept)}"
        return path if request.query_params else ""
    while path and not _is_page(request, path):
        path = path.rpartition("/")[0]
    return path


def _is_page(request: Request, path: str) -> bool:
    scope = {**request.scope, "method": "GET", "path": path}
    routes = request.app.router.routes
    return any(route.matches(scope)[0] is Match.FULL for route in routes)


def _notice(error: Exception) -> str:
    if isinstance(error, KeyTrouble | Unreadable):
        return unreadable.UNREADABLE
    return error.notice if isinstance(error, BadForm) else ""


NOT_NOTED = (SignInNeeded, Denied, StorageUnavailable)
"""Refusals of nobody who is known, those on record already, and those that cannot be recorded."""


STATUS: Mapping[type[Exception], int] = {
    SignInNeeded: 401,
    Denied: 403,
    Refused: 404,
    NotFound: 404,
    Conflict: 409,
    StorageUnavailable: 503,
    KeyTrouble: 500,
    KeyDestroyed: 500,
    Unreadable: 500,
}
"""What each refusal is answered with."""

REFUSALS: Mapping[Any, Callable[[Request, Exception], Awaitable[Response]]] = dict.fromkeys(
    (*STATUS, BadForm, StepUpNeeded), on_refusal
)
