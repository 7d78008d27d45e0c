"""One update being answered: what it may touch, and what is to be sent when it is committed."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from bot.language import Translate
from bot.paper import file
from bot.present import Present
from bot.screen import TOAST_LIMIT, Row, Screen, clipped, esc
from bot.settings import Settings
from bot.translate import Chat, Command, Incoming, Media, Tap, Text
from dialogs.content import Scenario
from dialogs.followup import zone_of
from dialogs.identifiers import Finding
from storage import consults, transcript
from storage.access import authorize
from storage.consults import StoredConsult
from storage.errors import NotFound
from storage.people import Person
from storage.transaction import Tx
from storage.transcript import Outgoing, Waiting


class Gone(Exception):
    """A button or a link leads nowhere: unknown, foreign and ended look the same."""


class Ended(Exception):
    """A case is closed or stopped: it can be read, and opened again, but not changed."""

    def __init__(self, stored: StoredConsult) -> None:
        super().__init__(f"ended: {stored.id}")
        self.stored = stored


@dataclass(frozen=True, slots=True)
class Standing:
    """The chat's current screen: its message, or the row that will be one when it is sent."""

    message_id: int | None = None
    row: UUID | None = None

    def takes(self, tapped: int) -> bool:
        """Say whether it is changed in place after a tap on that message."""
        return self.row is not None or tapped == self.message_id


@dataclass(slots=True)
class Turn:
    """What a handler works with; everything it does is in one transaction."""

    tx: Tx
    person: Person
    incoming: Incoming
    chat: Chat
    t: Translate
    settings: Settings
    scenario_of: Callable[[str | None], Scenario]
    findings: tuple[Finding, ...] = ()
    toast: str = ""
    alert: bool = False
    deliver: set[int] = field(default_factory=set)
    consult_id: UUID | None = None
    """The consult that the inbound row belongs to, once a handler has found it."""
    seen: UUID | None = None
    """The consult that something shown in this chat is about."""
    words_id: int | None = None
    """The message that the typed words came in, so that editing it corrects the answer."""
    settled: int | None = None
    """The message that was turned into question and answer."""
    settled_row: UUID | None = None
    """The same of a message that is still on its way."""
    erased: bool = False
    """Set when something was destroyed: the log of the database is truncated after the commit."""
    summary_rows: Callable[[StoredConsult], tuple[Row, ...]] = lambda stored: ()
    """Further rows under the summary: the plan, the team."""
    step_rows: Callable[[StoredConsult], tuple[Row, ...]] = lambda stored: ()
    """Further rows under the step: the message to the colleague, the plan."""
    waited_for: Callable[[StoredConsult], frozenset[str]] = lambda stored: frozenset()
    """The questions of a case that somebody put to its asker and that wait for an answer."""
    clarified: Callable[[StoredConsult, Collection[str]], None] = lambda saved, names: None
    """Lets others know, and see, that such questions have an answer now."""
    mean: Callable[[str, "Present | None"], None] = lambda words, at: None
    """Does what guarded words mean at a screen, as if they were typed just now."""
    again: Callable[[Present], None] = lambda screen: None
    """Shows a screen once more."""
    still_offered: Callable[[StoredConsult], bool] = lambda stored: False
    """Shows what was read from a case in words again, where it waits to be confirmed."""
    follow: Callable[[str], None] = lambda payload: None
    """Follows a deep link, as if it was opened just now."""
    reader_rows: Callable[[StoredConsult], tuple[Row, ...]] = lambda stored: ()
    """Further rows under a shared case, for somebody it is open to: opinions, questions, talk."""
    discuss: Callable[[StoredConsult, Text], None] = lambda stored, reply: None
    """Takes what was answered, in a group, to a case's card; the words have passed the guard."""
    username: str = ""
    """Our own, without the @; empty until Telegram has told it."""
    inline: Mapping[str, Any] | None = None
    """What answers the inline query, once its words are forgotten."""
    hold: Callable[[Tx, Outgoing], Waiting] | None = None
    """Writes what is to be sent at once, where the chat is free for that."""
    first: Waiting | None = None
    """What was written so."""
    clear: bool = False
    """Nothing waited to be sent to the chat when it was last looked at."""

    @property
    def chat_id(self) -> int:
        return self.chat.id

    @property
    def zone(self) -> ZoneInfo:
        """The person's time zone, or the one that the settings name for people who set none."""
        return zone_of(self.person.time_zone, self.settings.time_zone)

    @property
    def scenario(self) -> Scenario:
        """The scenario that new consults begin with."""
        return self.scenario_of(None)

    # --- what it may touch --------------------------------------------------------------

    def case(self, short: str, action: str = "consult.answer") -> StoredConsult:
        """Return the consult of a button if the person may do ``action`` with it, else raise Gone."""
        try:
            found = consults.load_short(self.tx, short)
        except NotFound as error:
            raise Gone from error
        authorize(self.tx, self.person, action, found)
        self.consult_id = found.id
        return found

    # --- what is sent -------------------------------------------------------------------

    def tell(self, words: str, *, alert: bool = False) -> None:
        """Show ``words`` over the chat when the tap is answered; the last telling wins.

        Typed words have nothing that could be shown over the chat: they are told in it.
        """
        if isinstance(self.incoming, Text) and self.chat.private:
            self.say(esc(words))
        self.toast, self.alert = clipped(words, TOAST_LIMIT), alert

    def enqueue(self, outgoing: Outgoing) -> UUID:
        self.deliver.add(outgoing.chat_id)
        self._shows(outgoing)
        return transcript.enqueue(self.tx, outgoing)

    def _shows(self, outgoing: Outgoing) -> None:
        if outgoing.consult_id is not None and outgoing.chat_id == self.chat_id:
            self.seen = outgoing.consult_id

    def show(self, screen: Screen, *, consult: UUID | None = None, kind: str = "screen") -> None:
        """Make ``screen`` the chat's current one: in place after a tap on it, else as a new message.

        An older message that still carries a keyboard loses it, so that one screen is live. One
        that is still on its way counts as the current one, whatever was tapped above it.
        """
        standing = self._standing()
        tapped = self.incoming.message_id if isinstance(self.incoming, Tap) else None
        in_place = standing is not None and tapped is not None and standing.takes(tapped)
        if standing and not in_place:
            self._strip(standing, consult)
        if tapped is not None and tapped != self.settled and Standing(tapped) != standing:
            self._strip(Standing(tapped), consult)
        if standing and in_place:
            self._edit(screen, standing, consult, kind)
        else:
            self.fresh(screen, consult=consult, kind=kind)

    def _standing(self) -> "Standing | None":
        """Return the chat's current screen, unless it was settled in this turn."""
        found = transcript.chat_state(self.tx, self.chat_id)
        self.clear = not found.waits
        if found.on_its_way is not None:
            return Standing(row=found.on_its_way) if found.on_its_way != self.settled_row else None
        return Standing(found.screen_message) if found.screen_message is not None else None

    def fresh(self, screen: Screen, *, consult: UUID | None = None, kind: str = "screen") -> UUID:
        """Send ``screen`` as a new message that carries the chat's keyboard."""
        return self.enqueue(
            Outgoing(
                chat_id=self.chat_id,
                method="sendMessage",
                params=screen.params(),
                consult_id=consult,
                person_id=self.person.id,
                kind=kind,
                screen=True,
            )
        )

    def _edit(self, screen: Screen, standing: "Standing", consult: UUID | None, kind: str) -> None:
        self._change(standing, screen.params(), consult, kind=kind, screen=True)

    def replace(self, message_id: int, text: str) -> None:
        """Put ``text`` (HTML) in the place of a message of ours, without its buttons."""
        words = {"text": text, "parse_mode": "HTML"}
        self._change(Standing(message_id), words, None, kind="settled")

    def _strip(self, standing: "Standing", consult: UUID | None) -> None:
        markup: dict[str, Any] = {"reply_markup": {"inline_keyboard": []}}
        self._change(standing, markup, consult, kind="strip", method="editMessageReplyMarkup")

    def settle(self, text: str, consult: UUID | None) -> None:
        """Turn the current screen into ``text`` (HTML) without a keyboard: what was asked and answered."""
        standing = self._standing()
        if standing is None:
            return
        self._change(standing, {"text": text, "parse_mode": "HTML"}, consult, kind="settled")
        self.settled, self.settled_row = standing.message_id, standing.row
        transcript.clear_screen(self.tx, self.chat_id)

    def _change(
        self,
        standing: "Standing",
        params: Mapping[str, Any],
        consult: UUID | None,
        *,
        method: str = "editMessageText",
        **more: Any,
    ) -> None:
        """Edit a screen, once it is there."""
        place = {} if standing.message_id is None else {"message_id": standing.message_id}
        edit = Outgoing(
            chat_id=self.chat_id,
            method=method,
            params={**params, **place},
            consult_id=consult,
            person_id=self.person.id,
            target=standing.row,
            coalesce=f"edit:{standing.message_id or standing.row}",
            **more,
        )
        if self.clear and self.hold is not None and self.chat_id not in self.deliver:
            self.deliver.add(self.chat_id)
            self._shows(edit)
            self.first = self.hold(self.tx, edit)
        else:
            self.enqueue(edit)

    def say(
        self,
        text: str,
        *,
        chat_id: int | None = None,
        consult: UUID | None = None,
        kind: str = "message",
        reply_to: int | None = None,
        thread: int | None = None,
        **params: Any,
    ) -> UUID:
        """Send ``text`` (HTML) as a message without a keyboard of the dialog."""
        body: dict[str, Any] = {
            "text": text,
            "parse_mode": "HTML",
            "link_preview_options": {"is_disabled": True},
            **params,
        }
        if reply_to is not None:
            body["reply_parameters"] = {"message_id": reply_to, "allow_sending_without_reply": True}
        return self.enqueue(
            Outgoing(
                chat_id=self.chat_id if chat_id is None else chat_id,
                method="sendMessage",
                params=body,
                consult_id=consult,
                person_id=self.person.id,
                kind=kind,
                thread_id=thread,
            )
        )

    def notify(self, who: Person, screen: Screen, *, kind: str = "notice") -> None:
        """Send somebody else ``screen`` in their private chat, where they can be reached."""
        if who.telegram_id is None or who.unreachable_at or who.status != "approved":
            return
        self.enqueue(
            Outgoing(
                chat_id=who.telegram_id,
                method="sendMessage",
                params=screen.params(),
                person_id=who.id,
                kind=kind,
            )
        )

    def document(
        self, filename: str, content: bytes, caption: str = "", *, consult: UUID | None = None
    ) -> None:
        """Send a file; ``caption`` is plain text."""
        self.upload({"document": file(filename, content), "caption": esc(caption)}, consult=consult)

    def upload(self, params: Mapping[str, Any], *, consult: UUID | None = None) -> None:
        """Send a document by the parameters of its message; the caption is HTML."""
        self.enqueue(
            Outgoing(
                chat_id=self.chat_id,
                method="sendDocument",
                params={"parse_mode": "HTML", **params},
                consult_id=consult,
                person_id=self.person.id,
                kind="document",
            )
        )

    def picture(self, drawing: str, caption: str = "") -> None:
        """Send a drawing (SVG) as a photo; ``caption`` is plain text."""
        self.enqueue(
            Outgoing(
                chat_id=self.chat_id,
                method="sendPhoto",
                params={
                    "photo": {"filename": "chart.png", "svg": drawing},
                    "caption": esc(caption),
                    "parse_mode": "HTML",
                },
                person_id=self.person.id,
                kind="picture",
            )
        )

    def delete_incoming(self) -> None:
        """Ask Telegram to delete the person's own message; allowed within 48 hours."""
        if isinstance(self.incoming, Text | Command | Media):
            self.delete(self.incoming.message_id)

    def delete(self, message_id: int) -> None:
        """Ask Telegram to delete a message of this chat."""
        self.enqueue(
            Outgoing(
                chat_id=self.chat_id,
                method="deleteMessage",
                params={"message_id": message_id},
                person_id=self.person.id,
                kind="deletion",
                urgent=True,
            )
        )
