"""Teams in the private chat: begin one, invite, roles, groups, leave."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from uuid import UUID

from bot import links
from bot.callbacks import Callback, encode
from bot.language import Translate, translator
from bot.screen import Button, Row, Screen, bold, esc, laid_out, lines, paragraphs
from bot.screens.paging import turning
from bot.turn import Gone, Turn
from storage import expecting, groups, people, shares, teams
from storage.access import Action, authorize
from storage.errors import Conflict, NotFound
from storage.expecting import Expected
from storage.ids import CODE_LETTERS
from storage.people import Person
from storage.teams import Joined, Membership, Role, Team

MEMBERS_SHOWN = 8


def role_words(t: Translate) -> dict[str, str]:
    """Return the roles in a team with their names."""
    return {"responder": t("responder"), "asker": t("asker"), "lead": t("lead")}


# --- the list of one's teams ------------------------------------------------------------------


def show(turn: Turn, code: str = "") -> None:
    """Show one's teams; a code typed after the command lets into one."""
    if code:
        _use_code(turn, code)
        return
    turn.show(_teams_screen(turn), kind="team")


def _teams_screen(turn: Turn) -> Screen:
    t, joined = turn.t, teams.of_person(turn.tx, turn.person.id)
    if len(joined) == 0:
        body = esc(
            t(
                "A team sees the cases that its members share with it, and says what it thinks. "
                "You are in none yet. Begin one and invite colleagues, or use a code you were given."
            )
        )
    else:
        words = role_words(t)
        body = "\n".join(f"• {bold(j.team.name)} · {esc(words[j.role])}" for j in joined)
    opened = len(shares.open_to(turn.tx, turn.person))
    mine = len(shares.opened_by(turn.tx, turn.person.id))
    cases = [
        *(
            [Button(t("Cases shared with me ({count})").format(count=opened), encode("shl"))]
            if joined or opened
            else []
        ),
        *([Button(t("Cases I share ({count})").format(count=mine), encode("shm"))] if mine else []),
    ]
    return Screen(
        paragraphs(bold(t("Your teams")), body),
        (
            *[(Button(j.team.name, encode("tm", j.team.short)),) for j in joined[:8]],
            *[(button,) for button in cases],
            (
                Button(t("Begin a team"), encode("tmn")),
                Button(t("I have a code"), encode("tmc")),
            ),
        ),
    )


def _list(turn: Turn, data: Callback) -> None:
    show(turn)


def _ask_name(turn: Turn, data: Callback) -> None:
    """Ask for the name of a new team."""
    authorize(turn.tx, turn.person, Action.TEAM_CREATE)
    _expect_name(turn, "")


def _expect_name(turn: Turn, short: str) -> None:
    t = turn.t
    expecting.expect(turn.tx, turn.person.id, "team_name", args={"team": short})
    body = paragraphs(
        bold(t("What is the team called?")),
        esc(t("Type a name of up to 60 characters. No names of clients.")),
    )
    back = encode("tm", short) if short else encode("tml")
    turn.show(Screen(body, ((Button(t("‹ Back"), back),),)), kind="team_name")


def named(turn: Turn, expected: Expected, words: str) -> None:
    """Take the typed name of a new team, or a team's new name."""
    name = " ".join(words.split())
    if len(name) > teams.NAME_LENGTH:
        turn.say(esc(turn.t("Type a name of up to 60 characters. No names of clients.")))
        return
    expecting.forget(turn.tx, turn.person.id)
    short = str(expected.args["team"])
    if short:
        about = _load(turn, short, Action.TEAM_RUN)
        teams.rename(turn.tx, about, name, turn.person.id)
    elif len(teams.of_person(turn.tx, turn.person.id)) >= teams.MOST_TEAMS:
        _say_full(turn)
        return
    else:
        authorize(turn.tx, turn.person, Action.TEAM_CREATE)
        about = teams.create(turn.tx, turn.person.id, name)
    turn.show(team_screen(turn, teams.load(turn.tx, about.id)), kind="team")


# --- getting in -------------------------------------------------------------------------------


def _ask_code(turn: Turn, data: Callback) -> None:
    t = turn.t
    expecting.expect(turn.tx, turn.person.id, "team_code")
    body = paragraphs(
        bold(t("Which code were you given?")),
        esc(t("Type its twelve letters, such as CDFG-HJKM-NPRT.")),
    )
    turn.show(Screen(body, ((Button(t("‹ Back"), encode("tml")),),)), kind="team_code")


_CODE = re.compile(rf"[{CODE_LETTERS}]{{{teams.CODE_LENGTH}}}")


def is_code(words: str) -> bool:
    """Say whether words have the form of a code of a team."""
    return _CODE.fullmatch("".join(words.upper().replace("-", " ").split())) is not None


def coded(turn: Turn, expected: Expected, words: str) -> None:
    """Take a typed code."""
    _use_code(turn, words)


def _use_code(turn: Turn, code: str) -> None:
    if links.exhausted(turn):
        return
    try:
        joined = teams.accept(turn.tx, turn.person.id, code)
    except NotFound:
        links.refuse(turn, links.INVITE)
        turn.say(esc(turn.t("That code does not work. Check it, or ask for a new one.")))
    except Conflict:
        _say_full(turn)
    else:
        expecting.forget(turn.tx, turn.person.id)
        _welcome(turn, joined)


def by_link(turn: Turn, token: str) -> bool:
    """Let the person into the team of an invitation's link; False when it opens nothing."""
    try:
        joined = teams.accept(turn.tx, turn.person.id, token)
    except NotFound:
        return False
    except Conflict:
        _say_full(turn)
    else:
        _welcome(turn, joined)
    return True


def admit(turn: Turn, token: str) -> bool:
    """Approve somebody whom an invitation was given to, where invitations are enough for that."""
    invited = (
        turn.person.status == "pending"
        and turn.settings.approval == "invite"
        and teams.is_live(turn.tx, token)
    )
    if invited:
        turn.person = people.set_status(turn.tx, turn.person, "approved", by=None)
    return invited


def _say_full(turn: Turn) -> None:
    turn.say(
        esc(
            turn.t(
                "A team has at most 200 members, and a person is in at most 20 teams. Leave one."
            )
        )
    )


def _welcome(turn: Turn, joined: Joined) -> None:
    """Show the team to whoever came in, and tell its leads when somebody is new."""
    turn.show(team_screen(turn, joined.team), kind="team")
    if not joined.new:
        return
    for lead in _leads(turn, joined.team):
        t = translator(lead.language)
        words = t("{name} joined the team “{team}” as {role}.").format(
            name=turn.person.name, team=joined.team.name, role=role_words(t)[joined.role]
        )
        members = Button(t("Members"), encode("tm", joined.team.short, "mem", 0))
        turn.notify(lead, Screen(esc(words), ((members,),)))


def _leads(turn: Turn, about: Team) -> list[Person]:
    return [
        people.get(turn.tx, m.person_id)
        for m in teams.members(turn.tx, about.id)
        if m.role == "lead" and m.person_id != turn.person.id
    ]


# --- one team ---------------------------------------------------------------------------------


def _load(turn: Turn, short: str, action: str) -> Team:
    """Return the team of a button if the person may do ``action`` with it, else raise Gone."""
    try:
        found = teams.load_short(turn.tx, short)
    except NotFound as error:
        raise Gone from error
    authorize(turn.tx, turn.person, action, found)
    return found


def team_screen(turn: Turn, about: Team) -> Screen:
    """Return a team: what one is in it, who else, and what can be done."""
    t, words = turn.t, role_words(turn.t)
    role = teams.role_of(turn.tx, about.id, turn.person.id) or "asker"
    members = teams.members(turn.tx, about.id)
    body = paragraphs(
        bold(about.name),
        lines(
            esc(t("Your role: {role}").format(role=words[role])),
            esc(_head_count(members, t)),
        ),
        esc(_may_words(role, t)),
    )
    return Screen(body, _team_rows(turn, about, role, len(members)))


def _head_count(members: Sequence[Membership], t: Translate) -> str:
    counts = Counter(member.role for member in members)
    words = role_words(t)
    listed = ", ".join(f"{words[role]}: {counts[role]}" for role in teams.ROLES if counts[role])
    return t("Members: {count} ({roles})").format(count=len(members), roles=listed)


def _may_words(role: Role, t: Translate) -> str:
    return {
        "asker": t("You read the cases shared here and may share your own."),
        "responder": t("You say what you think of the cases shared here and may share your own."),
        "lead": t(
            "You also invite and remove people, and say in which Telegram groups the team's cards "
            "are posted."
        ),
    }[role]


def _team_rows(turn: Turn, about: Team, role: Role, count: int) -> tuple[Row, ...]:
    t, short = turn.t, about.short
    runs: tuple[Row, ...] = (
        (
            Button(t("Invite"), encode("tm", short, "inv")),
            Button(t("Members ({count})").format(count=count), encode("tm", short, "mem", 0)),
        ),
        (
            Button(t("Groups"), encode("tm", short, "grp")),
            Button(t("Rename"), encode("tm", short, "name")),
        ),
    )
    return (
        *(runs if role == "lead" else ()),
        (Button(t("Cases shared with me"), encode("shl")),),
        (
            Button(t("Leave the team"), encode("tm", short, "lv")),
            Button(t("‹ Teams"), encode("tml")),
        ),
    )


def _back(turn: Turn, about: Team) -> Row:
    return (Button(turn.t("‹ The team"), encode("tm", about.short)),)


def _team(turn: Turn, about: Team, data: Callback) -> None:
    turn.show(team_screen(turn, about), kind="team")


def _rename(turn: Turn, about: Team, data: Callback) -> None:
    _expect_name(turn, about.short)


# --- invitations ------------------------------------------------------------------------------


def _invite(turn: Turn, about: Team, data: Callback) -> None:
    """Ask as what people are invited, then show a link and a code."""
    t, role = turn.t, data.arg(1)
    if role in teams.ROLES:
        _show_invitation(turn, about, role)
        return
    body = paragraphs(
        bold(t("Invite as what?")),
        lines(
            esc(t("Responder: says what they think of shared cases, and may share their own.")),
            esc(t("Asker: shares their own and reads; gives no opinions.")),
            esc(t("Lead: also invites and removes people.")),
        ),
        esc(
            t("Links that work now: {count}").format(
                count=teams.live_invitations(turn.tx, about.id)
            )
        ),
    )
    choices = [
        Button(words.capitalize(), encode("tm", about.short, "inv", name))
        for name, words in role_words(t).items()
    ]
    none = (Button(t("Make all links worthless"), encode("tm", about.short, "norm")),)
    turn.show(Screen(body, (tuple(choices), none, _back(turn, about))), kind="team")


def _show_invitation(turn: Turn, about: Team, role: Role) -> None:
    t, made = turn.t, teams.invite(turn.tx, about, role, turn.person.id)
    code = "-".join(made.code[place : place + 4] for place in range(0, len(made.code), 4))
    url = links.private(turn, links.INVITE, made.token)
    body = paragraphs(
        bold(
            t("Invitation to “{team}” as {role}").format(team=about.name, role=role_words(t)[role])
        ),
        esc(
            t("Send the link or the code to your colleagues. Both work for 7 days, for 25 people.")
        ),
        lines(esc(url), f"{esc(t('Code:'))} <code>{code}</code>"),
        esc(t("Who has only the code opens this bot, sends /team and taps “I have a code”.")),
    )
    copies = [Button(t("Copy the code"), copy=code)]
    if url:
        copies.insert(0, Button(t("Copy the link"), copy=url))
    turn.show(Screen(body, (tuple(copies), _back(turn, about))), kind="team")


def _revoke_invitations(turn: Turn, about: Team, data: Callback) -> None:
    teams.revoke_invitations(turn.tx, about.id, turn.person.id)
    turn.tell(turn.t("No link or code into this team works any more."))
    turn.show(team_screen(turn, about), kind="team")


# --- members ----------------------------------------------------------------------------------


def _members(turn: Turn, about: Team, data: Callback) -> None:
    turn.show(_members_screen(turn, about, _page(data.arg(1))), kind="team")


def _page(arg: str) -> int:
    return min(int(arg), 1000) if arg.isdigit() else 0


def _members_screen(turn: Turn, about: Team, page: int) -> Screen:
    t, words = turn.t, role_words(turn.t)
    everyone = teams.members(turn.tx, about.id)
    pages = max(1, -(-len(everyone) // MEMBERS_SHOWN))
    page = min(page, pages - 1)
    shown = everyone[page * MEMBERS_SHOWN : (page + 1) * MEMBERS_SHOWN]
    buttons = [
        Button(
            f"{_name(turn, m)} · {words[m.role]}", encode("tm", about.short, "m", m.person_id.hex)
        )
        for m in shown
    ]
    turned = turning(t, page, pages, lambda to: encode("tm", about.short, "mem", to))
    body = paragraphs(
        bold(t("“{team}” · members").format(team=about.name)),
        esc(
            t(
                "Members see names, without roles, only where they hand a case on. "
                "Opinions are shown by role, never by name."
            )
        ),
    )
    return Screen(body, (*laid_out(buttons, 1), *turned, _back(turn, about)))


def _name(turn: Turn, member: Membership) -> str:
    who = people.get(turn.tx, member.person_id)
    you = turn.t("you") if who.id == turn.person.id else ""
    return " ".join(filter(None, (who.name or turn.t("no name"), f"({you})" if you else "")))


def _member_of(turn: Turn, about: Team, text: str) -> Membership:
    found = {m.person_id.hex: m for m in teams.members(turn.tx, about.id)}
    if text not in found:
        raise Gone
    return found[text]


def _member(turn: Turn, about: Team, data: Callback) -> None:
    turn.show(_member_screen(turn, about, _member_of(turn, about, data.arg(1))), kind="team")


def _member_screen(turn: Turn, about: Team, member: Membership) -> Screen:
    t = turn.t
    roles = tuple(
        Button(
            f"{'✓ ' if member.role == name else ''}{words.capitalize()}",
            encode("tm", about.short, "r", member.person_id.hex, name),
        )
        for name, words in role_words(t).items()
    )
    out = Button(t("Remove from the team"), encode("tm", about.short, "x", member.person_id.hex))
    body = paragraphs(
        bold(_name(turn, member)),
        esc(t("In “{team}” as {role}.").format(team=about.name, role=role_words(t)[member.role])),
    )
    back = (Button(t("‹ Members"), encode("tm", about.short, "mem", 0)),)
    return Screen(body, (roles, (out,), back))


def _set_role(turn: Turn, about: Team, data: Callback) -> None:
    member, role = _member_of(turn, about, data.arg(1)), data.arg(2)
    if role not in teams.ROLES:
        raise Gone
    try:
        teams.set_role(turn.tx, about, member.person_id, role, turn.person.id)
    except Conflict:
        turn.tell(turn.t("A team needs a lead. Make somebody else the lead first."), alert=True)
    if member.person_id == turn.person.id:
        turn.show(team_screen(turn, about), kind="team")
        return
    turn.show(_member_screen(turn, about, _member_of(turn, about, data.arg(1))), kind="team")


def _remove(turn: Turn, about: Team, data: Callback) -> None:
    """Remove somebody, after a question; they are told."""
    member, t = _member_of(turn, about, data.arg(1)), turn.t
    if member.person_id == turn.person.id:
        _leave(turn, about, data)
        return
    if data.arg(2) != "yes":
        words = t("Remove {name} from “{team}”? They lose sight of its cases at once.")
        ask = bold(words.format(name=_name(turn, member), team=about.name))
        yes = Button(t("Yes, remove"), encode("tm", about.short, "x", member.person_id.hex, "yes"))
        turn.show(Screen(ask, ((yes,), _back(turn, about))), kind="sure")
        return
    teams.leave(turn.tx, about, member.person_id, turn.person.id)
    who = people.get(turn.tx, member.person_id)
    t = translator(who.language)
    told = t("You are no longer in the team “{team}”.").format(team=about.name)
    turn.notify(who, Screen(esc(told)))
    turn.show(_members_screen(turn, about, 0), kind="team")


def _leave(turn: Turn, about: Team, data: Callback) -> None:
    """Leave a team, after a question."""
    t = turn.t
    if "yes" not in data.args:
        alone = len(teams.members(turn.tx, about.id)) == 1
        last = t("You are the last one: the team ends.") if alone else ""
        body = paragraphs(
            bold(t("Leave “{team}”?").format(team=about.name)),
            esc(t("You lose sight of its cases, and it of those you shared.")),
            esc(last),
        )
        yes = (Button(t("Yes, leave"), encode("tm", about.short, "lv", "yes")),)
        turn.show(Screen(body, (yes, _back(turn, about))), kind="sure")
        return
    try:
        teams.leave(turn.tx, about, turn.person.id, turn.person.id)
    except Conflict:
        turn.tell(t("A team needs a lead. Make somebody else the lead first."), alert=True)
        turn.show(team_screen(turn, about), kind="team")
        return
    turn.tell(t("You left the team."))
    show(turn)


# --- groups -----------------------------------------------------------------------------------


def _groups(turn: Turn, about: Team, data: Callback) -> None:
    turn.show(_groups_screen(turn, about), kind="team")


def _groups_screen(turn: Turn, about: Team) -> Screen:
    t, bound = turn.t, groups.of_team(turn.tx, about.id)
    body = paragraphs(
        bold(t("“{team}” · Telegram groups").format(team=about.name)),
        "\n".join(f"• {esc(group.title)}" for group in bound) or esc(t("None yet.")),
        esc(
            t(
                "In a group I post one card for each shared case: its code, one line of question "
                "and a link. Everything else is said in private."
            )
        ),
        esc(t("Add me to a group with the button below, or send /team in a group where I am.")),
    )
    rows = [
        (Button(group.title or t("A group"), encode("tm", about.short, "g", group.id.hex)),)
        for group in bound[:8]
    ]
    add = links.row(t("Add me to a group"), links.to_group(turn, about.short))
    return Screen(body, (*rows, *add, _back(turn, about)))


def _group_of(turn: Turn, about: Team, text: str) -> groups.Group:
    try:
        found = groups.load(turn.tx, UUID(hex=text))
    except (NotFound, ValueError) as error:
        raise Gone from error
    if found.team_id != about.id:
        raise Gone
    return found


def _group(turn: Turn, about: Team, data: Callback) -> None:
    turn.show(_group_screen(turn, about, _group_of(turn, about, data.arg(1))), kind="team")


def _group_screen(turn: Turn, about: Team, group: groups.Group) -> Screen:
    t = turn.t
    state = t("on") if group.topics else t("off")
    topics = Button(
        t("A topic for each case: {state}").format(state=state),
        encode("tm", about.short, "gt", group.id.hex),
    )
    forum = esc(
        t(
            "For topics I have to be an admin of the group who may manage topics. As an admin I "
            "receive every message; what is no command and no answer to a card is dropped unread."
        )
    )
    stop = Button(t("Post no more cards there"), encode("tm", about.short, "gu", group.id.hex))
    back = (Button(t("‹ Groups"), encode("tm", about.short, "grp")),)
    body = paragraphs(bold(group.title), forum if group.is_forum else "")
    return Screen(body, (*([(topics,)] if group.is_forum else []), (stop,), back))


def _topics(turn: Turn, about: Team, data: Callback) -> None:
    group = _group_of(turn, about, data.arg(1))
    if group.is_forum:
        groups.set_topics(turn.tx, group, turn.person.id, topics=not group.topics)
    _group(turn, about, data)


def _unbind(turn: Turn, about: Team, data: Callback) -> None:
    groups.unbind(turn.tx, _group_of(turn, about, data.arg(1)), turn.person.id)
    turn.tell(turn.t("No more cards are posted there."))
    _groups(turn, about, data)


def ask_to_bind(turn: Turn, asked: Sequence[tuple[Team, groups.Group]]) -> None:
    """Ask in private whether cards are to be posted in a group; it was asked for in the group."""
    t = turn.t
    body = paragraphs(
        bold(t("Post cards in “{group}”?").format(group=asked[0][1].title)),
        esc(
            t(
                "Everybody in that group sees that a case was shared: its code, one line of question "
                "and a link, nothing of the case. Only members of the team can open it."
            )
        ),
    )
    rows = [
        (
            Button(
                t("Yes, of “{team}”").format(team=team.name),
                encode("tm", team.short, "gb", group.id.hex),
            ),
        )
        for team, group in asked[:8]
    ]
    turn.notify(turn.person, Screen(body, (*rows, (Button(t("No"), encode("tml")),))), kind="bind")


def _bind(turn: Turn, about: Team, data: Callback) -> None:
    group = _group_of(turn, about, data.arg(1))
    try:
        groups.bind(turn.tx, group, turn.person.id)
    except Conflict:
        turn.tell(turn.t("Cards are posted there already."))
    else:
        turn.tell(turn.t("Cards of this team are posted there from now on."))
    bound = groups.of_chat(turn.tx, group.chat_id)
    if bound is not None and bound.team_id == about.id:
        turn.show(_group_screen(turn, about, bound), kind="team")
    else:
        _groups(turn, about, data)


Act = Callable[[Turn, Team, Callback], None]

READS: dict[str, Act] = {"": _team, "lv": _leave}
"""What any member may do."""

RUNS: dict[str, Act] = {
    "inv": _invite,
    "norm": _revoke_invitations,
    "mem": _members,
    "m": _member,
    "r": _set_role,
    "x": _remove,
    "name": _rename,
    "grp": _groups,
    "g": _group,
    "gt": _topics,
    "gu": _unbind,
    "gb": _bind,
}
"""What a lead may do."""


def _do(turn: Turn, data: Callback) -> None:
    name = data.arg(0)
    act = READS.get(name) or RUNS.get(name)
    if act is None:
        raise Gone
    about = _load(turn, data.case, Action.TEAM_READ if name in READS else Action.TEAM_RUN)
    act(turn, about, data)


VERBS: dict[str, Callable[[Turn, Callback], None]] = {
    "tml": _list,
    "tmn": _ask_name,
    "tmc": _ask_code,
    "tm": _do,
}
