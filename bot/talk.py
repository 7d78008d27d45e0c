"""The discussion of a case: comments by role, from the private chat or as replies to the group's card."""

from collections.abc import Callable, Iterator, Sequence

from bot import narrative
from bot.callbacks import Callback, encode
from bot.language import translator
from bot.opinions import turning_row
from bot.screen import Button, Row, Screen, bold, esc, laid_out, lines, paragraphs, utf16
from bot.screens.opinions import Wording, harmless
from bot.translate import Text
from bot.turn import Gone, Turn
from dialogs.content import Scenario
from storage import consults, discussion, expecting, rounds
from storage.access import Action, allowed, authorize
from storage.consults import StoredConsult
from storage.discussion import MODERATION, REMOVALS, Comment
from storage.errors import Conflict, NotFound
from storage.expecting import Expected
from storage.transcript import Outgoing

KIND = "opinion.talk"
"""A comment may give away an opinion: the console leaves these screens out while a round runs."""

SAYING = "opinion.say"
"""The screen on which the next typed words are a comment."""

PAGE = 3000
"""UTF-16 units of words on one page."""

MOST_LISTED = 10
"""Comments of one page; each has a button."""


# --- reading --------------------------------------------------------------------------------------


def _enter(turn: Turn, data: Callback) -> None:
    stored = turn.case(data.case, Action.SHARED_READ)
    match data.arg(0):
        case "say":
            _ask(turn, stored)
        case page:
            show(turn, stored, int(page) if page.isdigit() else None)


def show(turn: Turn, stored: StoredConsult, page: int | None = None) -> None:
    """Show a page of the discussion, the last one where none is named; nothing while it is hidden."""
    t = turn.t
    head = t("Case {code} · discussion").format(code=stored.code)
    back = (Button(t("‹ What people think"), encode("op", stored.short)),)
    if discussion.hidden(turn.tx, stored.id, turn.person.id):
        said = t(
            "The discussion opens for you once you said what you think, or when the round closes."
        )
        turn.show(Screen(paragraphs(bold(head), esc(said)), (back,)), consult=stored.id, kind=KIND)
        return
    found = discussion.shown(turn.tx, stored.id, turn.person.id)
    pages = paged(found)
    page = len(pages) - 1 if page is None else min(page, len(pages) - 1)
    count = f" · {page + 1}/{len(pages)}" if len(pages) > 1 else ""
    words = Wording(_scenario(turn, stored), t)
    parts = [_part(each, part, stored, words) for each, part in pages[page]]
    nothing = "" if found else esc(t("Nobody said anything yet."))
    rows = (
        *_numbers(stored, found, pages[page]),
        turning_row(turn, lambda to: encode("tlk", stored.short, to), page, len(pages)),
        *_say_row(turn, stored),
        back,
    )
    body = paragraphs(bold(head + count), nothing, *parts)
    turn.show(Screen(body, rows), consult=stored.id, kind=KIND)


def _scenario(turn: Turn, stored: StoredConsult) -> Scenario:
    return turn.scenario_of(stored.content_hash)


Numbered = tuple[int, Comment]
Part = tuple[Numbered, str]
"""A comment with its number from 1, and the piece of its words that stands on a page."""


def paged(found: Sequence[Comment]) -> list[list[Part]]:
    """Return the comments in pages; a long one goes on on the next."""
    pages: list[list[Part]] = [[]]
    room = PAGE
    for part in _parts(found):
        size = utf16(part[1])
        if pages[-1] and (size > room or len(pages[-1]) == MOST_LISTED):
            pages.append([])
            room = PAGE
        pages[-1].append(part)
        room -= size
    return pages


def _parts(found: Sequence[Comment]) -> Iterator[Part]:
    for number, each in enumerate(found, 1):
        for piece in pieces(each.text):
            yield (number, each), piece


def pieces(text: str, most: int = PAGE) -> list[str]:
    """Return a text in pieces of at most ``most`` UTF-16 units, broken at white space where there is some."""
    found: list[str] = []
    while utf16(text) > most:
        end = most if utf16(text[:most]) <= most else most // 2
        cut = max(text.rfind(" ", 0, end), text.rfind("\n", 0, end)) + 1
        cut = cut if cut > end // 2 else end
        found.append(text[:cut])
        text = text[cut:]
    return [*found, text]


def _part(numbered: Numbered, piece: str, stored: StoredConsult, words: Wording) -> str:
    number, each = numbered
    t = words.t
    day = (each.at - stored.opened_at).days
    head = t("{number}. {role}, day {day}").format(
        number=number, role=words.role(each.role), day=day
    )
    edited = " " + t("(edited)") if each.edited_at and not each.removed else ""
    if each.removed is not None:
        why = t("[removed: {reason}]").format(reason=t(REMOVALS[each.removed]))
        return lines(bold(head), f"<i>{esc(why)}</i>")
    return lines(bold(head + edited), harmless(piece))


def _numbers(
    stored: StoredConsult, found: Sequence[Comment], page: Sequence[Part]
) -> tuple[Row, ...]:
    """Return a button for each comment of the page, which leads to what can be done with it."""
    here = {numbered[0]: numbered[1] for numbered, _ in page if numbered[1].removed is None}
    buttons = [
        Button(str(number), encode("tlkc", stored.short, "see", each.short))
        for number, each in here.items()
    ]
    return laid_out(buttons, 5)


def _say_row(turn: Turn, stored: StoredConsult) -> tuple[Row, ...]:
    return (
        ((Button(turn.t("Write a comment"), encode("tlk", stored.short, "say")),),)
        if _may_talk(turn, stored)
        else ()
    )


def _may_talk(turn: Turn, stored: StoredConsult) -> bool:
    """Say whether the person may take part: the asker, and whoever may give an opinion."""
    if stored.owner_id == turn.person.id:
        return True
    return allowed(turn.tx, turn.person, Action.SHARED_RESPOND, stored)


# --- saying something -----------------------------------------------------------------------------


def _ask(turn: Turn, stored: StoredConsult) -> None:
    _require_talk(turn, stored)
    t = turn.t
    expecting.expect(turn.tx, turn.person.id, "comment", consult_id=stored.id)
    role = Wording(_scenario(turn, stored), t).role(turn.person.role or "")
    body = paragraphs(
        bold(t("Case {code} · write a comment").format(code=stored.code)),
        esc(
            t(
                "Type it now. It is checked for identifiers first and stands there as “{role}”, for "
                "everybody the case is open to."
            ).format(role=role)
        ),
    )
    back = (Button(t("‹ Discussion"), encode("tlk", stored.short)),)
    turn.show(Screen(body, (back,)), consult=stored.id, kind=SAYING)


def _require_talk(turn: Turn, stored: StoredConsult) -> None:
    """Raise Gone or Denied unless the person may say something about a case now."""
    if stored.owner_id != turn.person.id:
        authorize(turn.tx, turn.person, Action.SHARED_RESPOND, stored)
    if discussion.hidden(turn.tx, stored.id, turn.person.id):
        raise Gone


def typed(turn: Turn, expected: Expected, words: str) -> None:
    """Take typed words as a comment; they have passed the guard."""
    if expected.consult_id is None:
        raise Gone
    stored = consults.load(turn.tx, expected.consult_id)
    authorize(turn.tx, turn.person, Action.SHARED_READ, stored)
    _require_talk(turn, stored)
    expecting.forget(turn.tx, turn.person.id)
    try:
        discussion.add(turn.tx, stored, turn.person, words)
    except Conflict:
        turn.say(esc(turn.t("This discussion is full. Please talk to each other directly.")))
    show(turn, stored)


def replied(turn: Turn, stored: StoredConsult, reply: Text) -> None:
    """Take what somebody answered in a group to a case's card; said in a group, it is there to read.

    An edited reply changes its comment. Whoever may not take part is told so, in private.
    """
    if not _may_talk(turn, stored):
        turn.say(
            esc(turn.t("Not recorded: only people the case is open to take part. Open it first.")),
            reply_to=reply.message_id,
            thread=reply.chat.thread,
        )
        return
    known = discussion.of_message(turn.tx, reply.chat.id, reply.message_id)
    if known is not None:
        discussion.edit(turn.tx, known, reply.text)
        return
    try:
        message = (reply.chat.id, reply.message_id)
        made = discussion.add(
            turn.tx, stored, turn.person, reply.text, via="group", message=message
        )
    except Conflict:
        full = turn.t("This discussion is full. Please talk to each other directly.")
        turn.say(esc(full), thread=reply.chat.thread)
        return
    _warn(turn, stored, made)


def _warn(turn: Turn, stored: StoredConsult, made: Comment) -> None:
    """Tell somebody in private, once a round, that all have read what they said while it runs."""
    running = rounds.running(turn.tx, stored.id)
    if running is None:
        return
    if discussion.said_in_groups(turn.tx, stored.id, turn.person.id, running.opened_at) > 1:
        return
    t = translator(turn.person.language)
    words = t(
        "Case {code}: your reply to the card is read by all in the group, and is on record by your "
        "role. Opinions still run: each is given here, in private, before seeing the others."
    )
    back = Button(t("Take the reply back"), encode("tlkc", stored.short, "see", made.short))
    own = (Button(t("Say what you think"), encode("op", stored.short)),)
    mine = stored.owner_id == turn.person.id
    screen = Screen(esc(words.format(code=stored.code)), ((back,), *(() if mine else (own,))))
    turn.notify(turn.person, screen)


# --- what can be done with a comment ---------------------------------------------------------------


def _comment_of(turn: Turn, stored: StoredConsult, short: str) -> Comment:
    try:
        found = discussion.by_short(turn.tx, short)
    except NotFound as error:
        raise Gone from error
    if found.consult_id != stored.id or found.removed is not None:
        raise Gone
    return found


def _one(turn: Turn, data: Callback) -> None:
    """Show what can be done with one comment, or do it."""
    stored = turn.case(data.case, Action.SHARED_READ)
    found = _comment_of(turn, stored, data.arg(1))
    own = found.person_id == turn.person.id
    if not own and discussion.hidden(turn.tx, stored.id, turn.person.id):
        raise Gone
    match data.arg(0):
        case "new":
            narrative.offer(turn, found.text, fresh=True, of=found.id.hex)
        case "rm" if data.arg(2) in (*MODERATION, "author"):
            _remove(turn, stored, found, data.arg(2))
        case _:
            _show_one(turn, stored, found)


def _show_one(turn: Turn, stored: StoredConsult, found: Comment) -> None:
    t, case = turn.t, stored.short
    begin = (Button(t("Begin a new case from it"), encode("tlkc", case, "new", found.short)),)
    body = paragraphs(
        bold(t("Case {code} · one comment").format(code=stored.code)),
        harmless(pieces(found.text)[0]),
    )
    back = (Button(t("‹ Discussion"), encode("tlk", case)),)
    screen = Screen(body, (begin, *_removals(turn, stored, found), back))
    turn.show(screen, consult=stored.id, kind=KIND)


def _removals(turn: Turn, stored: StoredConsult, found: Comment) -> tuple[Row, ...]:
    """Return the buttons that remove a comment, each with its reason."""
    t, case = turn.t, stored.short
    if found.person_id == turn.person.id:
        take_back = Button(t("Take it back"), encode("tlkc", case, "rm", found.short, "author"))
        return ((take_back,),)
    if not allowed(turn.tx, turn.person, Action.COMMENT_REMOVE, found):
        return ()
    return tuple(
        (
            Button(
                t("Remove: {reason}").format(reason=t(words)),
                encode("tlkc", case, "rm", found.short, code),
            ),
        )
        for code, words in MODERATION.items()
    )


def _remove(turn: Turn, stored: StoredConsult, found: Comment, reason: str) -> None:
    authorize(turn.tx, turn.person, Action.COMMENT_REMOVE, found)
    if (reason == "author") != (found.person_id == turn.person.id):
        raise Gone
    discussion.remove(turn.tx, found, turn.person.id, reason)
    turn.erased = True
    if found.chat_id is not None and found.message_id is not None:
        _delete_in_group(turn, found.chat_id, found.message_id)
    turn.tell(turn.t("Removed. That it was there, and why it went, stays visible."))
    show(turn, stored)


def _delete_in_group(turn: Turn, chat_id: int, message_id: int) -> None:
    """Ask Telegram to delete the message in the group as well; only an admin bot may, for 48 hours."""
    turn.enqueue(
        Outgoing(
            chat_id=chat_id,
            method="deleteMessage",
            params={"message_id": message_id},
            kind="deletion",
        )
    )


VERBS: dict[str, Callable[[Turn, Callback], None]] = {"tlk": _enter, "tlkc": _one}
