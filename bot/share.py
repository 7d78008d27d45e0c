"""Sharing a case, in two taps: a preview of exactly what others will see, and "I checked".

What others see is a publication: the answers as they were when the asker checked them. A later
change stays the asker's until it is previewed and checked as well.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from bot import links, opinions
from bot.callbacks import Callback, encode
from bot.cases_list import age
from bot.dialog import show_case
from bot.excerpts import found_kinds
from bot.language import translator
from bot.refusals import unmarked
from bot.screen import Button, Row, Screen, bold, clipped, esc, lines, paragraphs
from bot.screens.paging import turning
from bot.screens.shared import shared_pages
from bot.screens.summary import home
from bot.turn import Ended, Gone, Turn
from dialogs.content import Scenario
from dialogs.identifiers import Finding, find_identifiers, masked
from dialogs.phases import ADVISED, ENDED
from storage import audit, cards, consults, groups, people, shares, teams
from storage.access import Action
from storage.consults import StoredConsult
from storage.errors import NotFound
from storage.shares import Publication, Share

TEAMS_SHOWN = 5
SHARES_SHOWN = 6


def summary_rows(turn: Turn, stored: StoredConsult) -> tuple[Row, ...]:
    """Return the row that the summary gains: share, or with whom it is shared."""
    if stored.hypothetical_of is not None:
        return ()
    count = len(shares.active(turn.tx, stored.id))
    if stored.phase in ENDED and not count:
        return ()
    words = turn.t("Shared ({count})").format(count=count) if count else turn.t("Share the case")
    return ((Button(words, encode("shr", stored.short)),),)


def list_ready(turn: Turn) -> None:
    """Show the cases that can be shared, as a link from a group leads to."""
    found = consults.list_for(turn.tx, turn.person.id, per_page=20).consults
    ready = [s for s in found if s.phase in ADVISED and s.hypothetical_of is None][:8]
    t = turn.t
    body = (
        esc(t("Which case do you want to share?"))
        if ready
        else esc(t("You have no case with a summary yet. A case can be shared once it has one."))
    )
    buttons = [
        (Button(t("Case {code}").format(code=s.code), encode("shr", s.short)),) for s in ready
    ]
    begin = () if ready else ((Button(t("Start a case"), encode("new")),),)
    turn.show(Screen(paragraphs(bold(t("Share a case")), body), (*buttons, *begin)), kind="share")


def list_mine(turn: Turn, data: Callback | None = None) -> None:
    """Show the person's own cases that are open to others now, whatever state they are in."""
    t = turn.t
    cases = [consults.load(turn.tx, each) for each in shares.opened_by(turn.tx, turn.person.id)]
    rows = [
        (Button(t("Case {code}").format(code=each.code), encode("shr", each.short)),)
        for each in cases[:8]
    ]
    said = t("Tap one to see with whom, or to take it back.") if rows else t("None now.")
    back = (Button(t("‹ Teams"), encode("tml")),)
    body = paragraphs(bold(t("Cases I share")), esc(said))
    turn.show(Screen(body, (*rows, back)), kind="share")


def _require_summary(stored: StoredConsult) -> None:
    """Raise Gone for a case that has no summary to share, or is a what-if copy."""
    if stored.phase in ENDED:
        raise Ended(stored)
    if stored.phase not in ADVISED or stored.hypothetical_of is not None:
        raise Gone


# --- the preview ------------------------------------------------------------------------------


def pages_of(turn: Turn, stored: StoredConsult, shown: Publication | None) -> tuple[str, ...]:
    """Return a case as others see it: as published, or, for the preview, as it is now."""
    content = shown.content_hash if shown else stored.content_hash
    answers = shown.answers if shown else stored.answers
    since = age(shown.at, turn.tx.now, turn.t) if shown else turn.t("just now")
    head = lines(
        bold(turn.t("Case {code} · shared").format(code=stored.code)),
        esc(turn.t("As its asker checked it, {age}.").format(age=since)),
    )
    return shared_pages(answers, turn.scenario_of(content), turn.t, head=head)


def identifiers_in(pages: Sequence[str], scenario: Scenario) -> tuple[str, tuple[Finding, ...]]:
    """Return the words of a preview that are not the scenario's own, and what identifies in them."""
    every = unmarked("\n".join(pages)).splitlines()
    words = "\n".join(line for line in every if line.strip("• ") not in scenario.body)
    found = find_identifiers(words)
    return words, tuple(f for f in found if words[f.start : f.end] not in scenario.body)


def _preview(turn: Turn, stored: StoredConsult, page: int = 0) -> None:
    """Show exactly what others will see, a page at a time; the choices stand under the last."""
    _require_summary(stored)
    t, pages = turn.t, pages_of(turn, stored, None)
    words, found = identifiers_in(pages, turn.scenario_of(stored.content_hash))
    if any(finding.tier == "hard" for finding in found):
        _not_shareable(turn, stored, words, found)
        return
    page = min(page, len(pages) - 1)
    number = f" · {page + 1}/{len(pages)}" if len(pages) > 1 else ""
    said = lines(
        esc(t("This is exactly what others will see. Check it; tap where it goes.")),
        "" if page else f"<i>{esc(_beyond(turn))}</i>",
    )
    doubt = lines(bold(t("Is this an identifier?")), *_where(turn, words, found)) if found else ""
    body = paragraphs(bold(t("Preview") + number), said, doubt, pages[page])
    turned = turning(t, page, len(pages), lambda to: encode("shr", stored.short, "p", to))
    choices = _choices(turn, stored) if page + 1 == len(pages) else ()
    rows = (*turned, *choices, home(t, stored.short))
    turn.show(Screen(body, rows), consult=stored.id, kind="share")


def _beyond(turn: Turn) -> str:
    """Return what there is to see beside what the preview shows, and for whom."""
    return turn.t(
        "In a browser a link shows this and, in full, what follows from these answers; nothing else. "
        "Those who open it in this bot also see, in the transcript: earlier answers, what was asked, "
        "thought and said, your plan and its outcome. What you change later shows once you check it "
        "here."
    )


def _where(turn: Turn, words: str, found: tuple[Finding, ...]) -> tuple[str, str]:
    """Return what kinds of identifier were found, and where, masked."""
    return (
        esc(turn.t("Found: {kinds}").format(kinds=found_kinds(found, turn.t))),
        esc(turn.t("Where: {excerpt}").format(excerpt=masked(words, list(found)))),
    )


def _choices(turn: Turn, stored: StoredConsult) -> tuple[Row, ...]:
    """Return "I checked" for each place it can go; the revision previewed is in the button."""
    t, checked = turn.t, stored.revision
    mine = teams.of_person(turn.tx, turn.person.id)
    standing = shares.active(turn.tx, stored.id)
    update = Button(
        t("I checked: show this from now on"), encode("shr", stored.short, "u", turn=checked)
    )
    to_teams = [
        Button(
            clipped(t("I checked: to “{team}”").format(team=joined.team.name), 48),
            encode("shr", stored.short, "t", joined.team.short, turn=checked),
        )
        for joined in mine[:TEAMS_SHOWN]
    ]
    others = [
        Button(t("I checked: to a chat I choose"), encode("shr", stored.short, "c", turn=checked)),
        Button(t("I checked: by a link"), encode("shr", stored.short, "l", turn=checked)),
    ]
    team = [] if mine else [Button(t("Begin a team"), encode("tmn"))]
    return tuple(
        (button,) for button in (*([update] if standing else []), *to_teams, *others, *team)
    )


def _not_shareable(
    turn: Turn, stored: StoredConsult, words: str, found: tuple[Finding, ...]
) -> None:
    """Say that a case cannot be shared because something in it may identify somebody."""
    t = turn.t
    body = paragraphs(
        bold(t("Not shared: this seems to identify somebody.")),
        lines(*_where(turn, words, found)),
        esc(t("Change that answer, then share again.")),
    )
    for kind in sorted({finding.kind for finding in found}):
        audit.record(
            turn.tx,
            audit.Event(
                actor=turn.person.id,
                action="guard.hit",
                outcome="refused",
                consult_id=stored.id,
                meta={"kind": kind.lower()},
            ),
        )
    turn.show(Screen(body, (home(t, stored.short),)), consult=stored.id, kind="share")


# --- "I checked" ------------------------------------------------------------------------------


def _checked(turn: Turn, stored: StoredConsult, data: Callback) -> Publication | None:
    """Publish the case as it was checked; None, and the preview again, when it has changed since."""
    _require_summary(stored)
    pages = pages_of(turn, stored, None)
    if (
        data.turn != stored.revision
        or identifiers_in(pages, turn.scenario_of(stored.content_hash))[1]
    ):
        turn.tell(turn.t("The case has changed. Look at it once more."))
        _preview(turn, stored)
        return None
    return shares.publish(turn.tx, stored, turn.person.id)


def _identifies(turn: Turn, stored: StoredConsult) -> bool:
    """Say whether something in what others would see certainly identifies somebody."""
    pages = pages_of(turn, stored, None)
    _, found = identifiers_in(pages, turn.scenario_of(stored.content_hash))
    return any(finding.tier == "hard" for finding in found)


def _to_team(turn: Turn, stored: StoredConsult, data: Callback) -> None:
    """Open the case to a team: a card in each of its groups, or a line to each member."""
    found = [
        j.team for j in teams.of_person(turn.tx, turn.person.id) if j.team.short == data.arg(1)
    ]
    if not found:
        raise Gone
    shown = _checked(turn, stored, data)
    if shown is None:
        return
    made = shares.with_team(turn.tx, shown, found[0].id, turn.person.id)
    opinions.ask_everybody(turn, stored)
    bound = groups.of_team(turn.tx, found[0].id)
    for group in bound:
        _post(turn, stored, made, group)
    if not bound:
        _tell_members(turn, stored, made, found[0])
    turn.tell(turn.t("Shared with “{team}”.").format(team=found[0].name))
    _show_shares(turn, stored)


def _post(turn: Turn, stored: StoredConsult, made: Share, group: groups.Group) -> None:
    """Post the case's card in a group, once."""
    if cards.is_posted(turn.tx, made.id, group.chat_id):
        return
    topic = turn.t("Case {code}").format(code=stored.code) if group.topics else ""
    url = links.private(turn, links.CARD, made.short)
    said = turn.t("Replies here are read by all and go on record. Say what you think in private.")
    screen = card_screen(turn, stored.code, url, said)
    cards.post(
        turn.tx,
        share_id=made.id,
        consult_id=stored.id,
        chat_id=group.chat_id,
        topic=topic,
        params=screen.params(),
    )
    turn.deliver.add(group.chat_id)


def card_screen(turn: Turn, code: str, url: str, said: str = "") -> Screen:
    """Return a card: code, one line of question, what replies do, a link; nothing of the case."""
    t = turn.t
    body = lines(
        bold(t("Case {code}").format(code=code)),
        esc(t("Is there an issue of concern? A colleague asks what you think.")),
        f"<i>{esc(said)}</i>" if said else "",
    )
    return Screen(body, links.row(t("Open it in private"), url))


def _tell_members(turn: Turn, stored: StoredConsult, made: Share, about: teams.Team) -> None:
    """Tell each member of a team without a group that a case was shared; nothing of the case."""
    for member in teams.members(turn.tx, about.id):
        if member.person_id != turn.person.id:
            who = people.get(turn.tx, member.person_id)
            t = translator(who.language)
            words = t("Case {code} was shared with “{team}”. A colleague asks what you think.")
            look = Button(t("Look at it"), encode("shv", stored.short))
            body = esc(words.format(code=stored.code, team=about.name))
            turn.notify(who, Screen(body, ((look,),)))


def _to_chat(turn: Turn, stored: StoredConsult, data: Callback) -> None:
    """Open the case to whoever reads its card in a chat the asker chooses next."""
    shown = _checked(turn, stored, data)
    if shown is None:
        return
    shares.by_link(turn.tx, shown, turn.person.id, "chat")
    opinions.ask_everybody(turn, stored)
    _show_chooser(turn, stored)


def _show_chooser(turn: Turn, stored: StoredConsult) -> None:
    t = turn.t
    body = paragraphs(
        bold(t("Case {code} · to a chat you choose").format(code=stored.code)),
        esc(
            t(
                "Tap the button, choose the chat, then tap the card that appears above the keyboard. "
                "The card holds the code and a link, nothing of the case."
            )
        ),
        esc(
            t(
                "Whoever reads that chat and may use this bot can open the case, up to {count} "
                "people, for 30 days."
            ).format(count=shares.MOST_READERS)
        ),
    )
    choose_chat = (Button(t("Choose a chat"), inline=stored.code),)
    back = (Button(t("‹ Shared with"), encode("shr", stored.short)),)
    turn.show(Screen(body, (choose_chat, back)), consult=stored.id, kind="share")


def _by_link(turn: Turn, stored: StoredConsult, data: Callback) -> None:
    shown = _checked(turn, stored, data)
    if shown is not None:
        opinions.ask_everybody(turn, stored)
        _show_link(turn, stored, shares.by_link(turn.tx, shown, turn.person.id))


def _show_link(turn: Turn, stored: StoredConsult, made: Share) -> None:
    t, token = turn.t, shares.token_of(turn.tx, made.id)
    url, page = links.private(turn, links.SHARE, token), _page_address(turn, token)
    body = paragraphs(
        bold(t("Case {code} · link").format(code=stored.code)),
        esc(url) or esc(t("Telegram has not told my name yet. Try again in a minute.")),
        esc(
            t(
                "Whoever has it and may use this bot can open the case, up to {count} people, for "
                "30 days. Send it only to clinicians who may see the case."
            ).format(count=made.most_views)
        ),
        lines(esc(t("In a browser, without the bot, for whoever has it:")), esc(page))
        if page
        else "",
    )
    copies = ((t("Copy the link"), url), (t("Copy the page's address"), page))
    rows = tuple((Button(label, copy=words),) for label, words in copies if words)
    back = (Button(t("‹ Shared with"), encode("shr", stored.short)),)
    turn.show(Screen(body, (*rows, back)), consult=stored.id, kind="share")


def _page_address(turn: Turn, token: str) -> str:
    """Return where a link's case is read in a browser; empty where nobody else could reach it."""
    settings = turn.settings
    for_others = settings.public_url or not settings.token
    return f"{settings.address}/shared/{token}" if for_others else ""


def _update(turn: Turn, stored: StoredConsult, data: Callback) -> None:
    """Show others the case as it is now, once it was checked."""
    if _checked(turn, stored, data) is not None:
        turn.tell(turn.t("Others see this from now on."))
        _show_shares(turn, stored)


# --- with whom it is shared -------------------------------------------------------------------


def _show_shares(turn: Turn, stored: StoredConsult) -> None:
    """Show with whom a case is shared and until when; without anybody, the preview."""
    standing = shares.active(turn.tx, stored.id)
    shown = shares.published(turn.tx, stored.id)
    if not standing and stored.phase in ENDED:
        show_case(turn, stored)
        return
    if not standing or shown is None:
        _preview(turn, stored)
        return
    t = turn.t
    changed = dict(shown.answers) != dict(stored.answers)
    seen = t("Others see the case as you checked it, {age}.").format(
        age=age(shown.at, turn.tx.now, t)
    )
    body = paragraphs(
        bold(t("Case {code} · shared with").format(code=stored.code)),
        "\n".join(
            esc(f"{place}. {_share_words(turn, share)}")
            for place, share in enumerate(standing[:SHARES_SHOWN], 1)
        ),
        esc(seen),
        esc(t("You have changed answers since; others do not see that.")) if changed else "",
    )
    turn.show(
        Screen(body, _share_rows(turn, stored, standing[:SHARES_SHOWN])),
        consult=stored.id,
        kind="share",
    )


def _share_words(turn: Turn, share: Share) -> str:
    t = turn.t
    name = {
        "team": t("Team “{team}”").format(team=_team_name(turn, share)),
        "link": t("A link"),
        "chat": t("A card in a chat you chose"),
    }[share.kind]
    looked = len([v for v in shares.views(turn.tx, share.consult_id) if v.share_id == share.id])
    return t("{name}: {days} days left, seen by {count}").format(
        name=name, days=_days_left(share, turn.tx.now), count=looked
    )


def _team_name(turn: Turn, share: Share) -> str:
    return teams.load(turn.tx, share.team_id).name if share.team_id else ""


def _days_left(share: Share, now: datetime) -> int:
    return max(0, -(-int((share.expires_at - now).total_seconds()) // 86_400))


def _share_rows(turn: Turn, stored: StoredConsult, standing: Sequence[Share]) -> tuple[Row, ...]:
    t, short = turn.t, stored.short
    each: list[Row] = []
    for place, share in enumerate(standing, 1):
        back = Button(
            t("Take back {place}").format(place=place), encode("shr", short, "b", share.short)
        )
        again = {
            "link": Button(
                t("Show link {place}").format(place=place), encode("shr", short, "s", share.short)
            ),
            "chat": Button(t("Choose a chat"), inline=stored.code),
        }.get(share.kind)
        each.append((back, again) if again else (back,))
    return (
        *each,
        (
            Button(t("Who looked"), encode("shr", short, "v")),
            Button(t("Share with more"), encode("shr", short, "p", 0)),
        ),
        home(t, short),
    )


def _share_of(turn: Turn, stored: StoredConsult, short: str) -> Share:
    try:
        found = shares.by_short(turn.tx, short)
    except NotFound as error:
        raise Gone from error
    if found.consult_id != stored.id or found.state(turn.tx.now) != "active":
        raise Gone
    return found


def _take_back(turn: Turn, stored: StoredConsult, data: Callback) -> None:
    """Close the case to those whom a share opened it to."""
    shares.revoke(turn.tx, _share_of(turn, stored, data.arg(1)), turn.person.id)
    turn.tell(turn.t("Taken back. Its cards say “[removed]”; nobody can open it that way."))
    _show_shares(turn, stored)


def _show_link_again(turn: Turn, stored: StoredConsult, data: Callback) -> None:
    share = _share_of(turn, stored, data.arg(1))
    if share.kind != "link":
        raise Gone
    _show_link(turn, stored, share)


def _who_looked(turn: Turn, stored: StoredConsult, data: Callback) -> None:
    """List who looked, by role, the newest first."""
    t = turn.t
    roles = turn.scenario.question("role").by_id
    listed = [
        esc(
            t("• {role}: {age}, opened {times}×").format(
                role=roles[view.role].label if view.role else t("no role given"),
                age=age(view.last_at, turn.tx.now, t),
                times=view.times,
            )
        )
        for view in shares.views(turn.tx, stored.id)[:20]
    ]
    body = paragraphs(
        bold(t("Case {code} · who looked").format(code=stored.code)),
        "\n".join(listed) or esc(t("Nobody yet.")),
        esc(t("By role, never by name.")),
    )
    back = (Button(t("‹ Shared with"), encode("shr", stored.short)),)
    turn.show(Screen(body, (back,)), consult=stored.id, kind="share")


def _page(turn: Turn, stored: StoredConsult, data: Callback) -> None:
    _preview(turn, stored, min(int(data.arg(1)), 100) if data.arg(1).isdigit() else 0)


ACTS: dict[str, Callable[[Turn, StoredConsult, Callback], None]] = {
    "": lambda turn, stored, data: _show_shares(turn, stored),
    "p": _page,
    "t": _to_team,
    "c": _to_chat,
    "l": _by_link,
    "u": _update,
    "b": _take_back,
    "s": _show_link_again,
    "v": _who_looked,
}


def _share(turn: Turn, data: Callback) -> None:
    act = ACTS.get(data.arg(0))
    if act is None:
        raise Gone
    act(turn, turn.case(data.case, Action.CONSULT_SHARE), data)


VERBS: dict[str, Callable[[Turn, Callback], None]] = {"shr": _share, "shm": list_mine}
