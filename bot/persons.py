"""The person in the chat: scope, role, settings, help, privacy."""

import re
from collections.abc import Callable
from datetime import timedelta
from math import ceil
from zoneinfo import available_timezones

from bot import paper, reviews
from bot.callbacks import Callback, encode
from bot.dialog import current_case, help_with, new_case
from bot.language import LANGUAGES, translator
from bot.menus import admins_menu
from bot.screen import Button, Screen, bold, esc, paragraphs
from bot.screens import start
from bot.turn import Gone, Turn
from dialogs import typed
from dialogs.translations import load_translations
from storage import expecting, limits, people, retention
from storage.access import Action, authorize

ZONES = (
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "America/Anchorage",
    "Pacific/Honolulu",
    "America/Puerto_Rico",
    "UTC",
)
"""Offered by tap; any other name can be typed."""

QUIET = ("none", "21-07", "20-08", "22-06")
_HOURS = re.compile(r"([01][0-9]|2[0-3])-([01][0-9]|2[0-3])")


def begin(turn: Turn) -> None:
    """Show the first screen that the person still needs: scope, role, or ready."""
    if turn.person.scope_accepted_at is None:
        if turn.person.is_admin:
            turn.enqueue(admins_menu(turn.chat_id))
        turn.show(_for_admins(turn, start.scope_screen(turn.scenario, turn.t)), kind="scope")
    elif turn.person.role is None:
        turn.show(start.role_screen(turn.scenario, turn.t), kind="role")
    else:
        turn.show(_for_admins(turn, start.ready_screen(turn.t, turn.scenario)), kind="ready")


def _for_admins(turn: Turn, screen: Screen) -> Screen:
    """Return the screen with the way to the admin's one, for admins."""
    if not turn.person.is_admin:
        return screen
    return screen.with_row(Button(turn.t("Administration"), encode("admin")))


def _agree(turn: Turn, data: Callback) -> None:
    turn.person = people.accept_scope(turn.tx, turn.person)
    if turn.person.role is None:
        begin(turn)
    else:
        _go_on(turn)


def _role(turn: Turn, data: Callback) -> None:
    question = turn.scenario.question("role")
    if data.arg(0) not in question.by_id:
        raise Gone
    _keep_role(turn, data.arg(0))


def _keep_role(turn: Turn, role: str) -> None:
    first = turn.person.role is None
    turn.person = people.set_choices(turn.tx, turn.person, role=role)
    label = turn.scenario.question("role").option(role).label
    turn.tell(turn.t("Role kept: {role}").format(role=label))
    if first:
        _go_on(turn)
    else:
        settings(turn)


def _go_on(turn: Turn) -> None:
    """Follow the link that brought the person here, or show where a case is begun."""
    waiting = expecting.expected(turn.tx, turn.person.id)
    if waiting is None or waiting.kind != "link" or not waiting.held:
        begin(turn)
        return
    expecting.forget(turn.tx, turn.person.id)
    turn.follow(waiting.held)


def typed_role(turn: Turn, words: str) -> None:
    """Take a typed role, or ask for it again."""
    match typed.meaning(words, turn.scenario.question("role")):
        case typed.Exact(value):
            _keep_role(turn, value)
        case _:
            turn.say(esc(turn.t("Please choose your role first, by a tap or its number.")))
            begin(turn)


def settings(turn: Turn) -> None:
    person, t = turn.person, turn.t
    role = turn.scenario.question("role").by_id.get(person.role or "")
    language = person.language or "en"
    translations = load_translations(turn.scenario.id)
    line = start.SettingsLine(
        role=role.label if role else t("not set"),
        path=person.path,
        language=language,
        time_zone=person.time_zone or t("{zone} (not set)").format(zone=turn.zone.key),
        quiet=_quiet_words(turn),
        translated=any(each.language == language for each in translations),
    )
    turn.show(start.settings_screen(line, t), kind="settings")


def _quiet_words(turn: Turn) -> str:
    first, last = turn.person.quiet_from, turn.person.quiet_to
    if first is None or last is None:
        return turn.t("none")
    return f"{first // 60:02d}:{first % 60:02d}–{last // 60:02d}:{last % 60:02d}"


def _set(turn: Turn, data: Callback) -> None:
    setting, value = data.arg(0), data.arg(1)
    act = SETTINGS.get(setting)
    if act is None:
        settings(turn)
        return
    act(turn, value)


def _set_role(turn: Turn, value: str) -> None:
    turn.show(start.role_screen(turn.scenario, turn.t, chosen=turn.person.role), kind="role")


def _set_path(turn: Turn, value: str) -> None:
    path = "full" if turn.person.path == "quick" else "quick"
    turn.person = people.set_choices(turn.tx, turn.person, path=path)
    settings(turn)


def _set_language(turn: Turn, value: str) -> None:
    if value in LANGUAGES:
        turn.person = people.set_choices(turn.tx, turn.person, language=value)
        turn.t = translator(value)
        settings(turn)
        return
    choices = list(LANGUAGES.items())
    note = turn.t("Clinical content stays in English.")
    screen = start.choice_screen(turn.t("Language"), note, choices, "language", turn.t)
    turn.show(screen, kind="settings")


def _set_zone(turn: Turn, value: str) -> None:
    if value.isdigit() and int(value) < len(ZONES):
        keep_zone(turn, ZONES[int(value)])
        return
    choices = [(str(place), zone.replace("_", " ")) for place, zone in enumerate(ZONES)]
    note = turn.t("Tap one, or type its name, such as Europe/Madrid.")
    screen = start.choice_screen(turn.t("Time zone"), note, choices, "zone", turn.t)
    expecting.expect(turn.tx, turn.person.id, "zone")
    turn.show(screen, kind="settings")


NO_ZONES = ("Factory", "localtime", "posixrules")
"""Names in the zone files that are of no place and no clock."""


def zone_named(words: str) -> str | None:
    """Return the IANA name of a time zone that words name, or None."""
    wanted = words.strip().replace(" ", "_")
    known = {zone.casefold(): zone for zone in available_timezones() if zone not in NO_ZONES}
    return known.get(wanted.casefold())


def keep_zone(turn: Turn, name: str) -> None:
    """Keep a time zone by its IANA name; an unknown one is answered with how to write it."""
    zone = zone_named(name)
    if zone is None:
        turn.say(esc(turn.t("I do not know that time zone. Write it like America/Chicago.")))
        return
    expecting.forget(turn.tx, turn.person.id)
    turn.person = people.set_choices(turn.tx, turn.person, time_zone=zone)
    reviews.retime(turn)
    settings(turn)


def _set_quiet(turn: Turn, value: str) -> None:
    match = _HOURS.fullmatch(value)
    if match or value == "none":
        hours = (int(match[1]) * 60, int(match[2]) * 60) if match else (None, None)
        turn.person = people.set_choices(
            turn.tx, turn.person, quiet_from=hours[0], quiet_to=hours[1]
        )
        reviews.retime(turn)
        settings(turn)
        return
    words = {"none": turn.t("None")}
    choices = [(hours, words.get(hours, hours.replace("-", ":00–") + ":00")) for hours in QUIET]
    note = turn.t("Reminders wait until quiet hours are over.")
    screen = start.choice_screen(turn.t("Quiet hours"), note, choices, "quiet", turn.t)
    turn.show(screen, kind="settings")


SETTINGS: dict[str, Callable[[Turn, str], None]] = {
    "role": _set_role,
    "path": _set_path,
    "language": _set_language,
    "zone": _set_zone,
    "quiet": _set_quiet,
}


def _page(turn: Turn, data: Callback) -> None:
    if data.arg(0) == "privacy":
        privacy(turn)
    else:
        begin(turn)


def privacy(turn: Turn) -> None:
    screen = start.privacy_screen(turn.t, retention_days=turn.settings.retention_days)
    turn.show(screen, kind="privacy")


def help_(turn: Turn) -> None:
    stored = current_case(turn)
    if stored is None:
        turn.show(start.help_screen(turn.t, admin=turn.person.is_admin), kind="help")
    else:
        help_with(turn, stored)


def whoami(turn: Turn) -> None:
    """Say one's numeric id, which the setting for admins names."""
    number = str(turn.person.telegram_id)
    admin = turn.t("You are an admin here.") if turn.person.is_admin else ""
    turn.say(
        f"{esc(turn.t('Your numeric Telegram id:'))} <code>{number}</code>\n{bold(admin)}".strip()
    )


def waiting(turn: Turn) -> None:
    """Say that somebody has to approve the person first, or that access was taken away."""
    t = turn.t
    if turn.person.status == "suspended":
        turn.say(esc(t("Your access was taken away by an admin. Your data is kept until you ask.")))
        return
    turn.say(
        f"{bold(t('Waiting for approval.'))}\n"
        + esc(t("An admin of this bot has to approve you first. Your numeric Telegram id:"))
        + f" <code>{turn.person.telegram_id}</code>"
    )


def my_data(turn: Turn) -> None:
    """Send everything stored about the person as a file; nothing of it stands in the chat."""
    authorize(turn.tx, turn.person, Action.SELF_EXPORT, turn.person)
    t, free_at = turn.t, retention.may_export(turn.tx, turn.person.id)
    if free_at is not None:
        limits.note(turn.tx, turn.person.id, "data")
        said = t(
            "You had this file {count} times within a day. You can have it again in {hours} h."
        )
        hours = ceil((free_at - turn.tx.now) / timedelta(hours=1))
        turn.say(esc(said.format(count=retention.EXPORTS, hours=hours)))
        return
    retention.note_export(turn.tx, turn.person.id)
    caption = esc(t("Everything stored about you. Files that were sent to you are named only."))
    document = paper.data_of("curbside-mydata.json", turn.person.id)
    turn.upload({"document": document, "caption": caption})


def forget_me(turn: Turn) -> None:
    """Ask before everything is deleted."""
    t = turn.t
    body = paragraphs(
        bold(t("Delete everything stored about you?")),
        esc(
            t(
                "Your cases, their answers and the keys they are encrypted with are destroyed, now and "
                "for good. The log of codes stays, without your name. Messages in this chat are "
                "Telegram's: delete the chat to be rid of them."
            )
        ),
    )
    yes = Button(t("Yes, delete everything"), encode("forget", "", "yes"))
    no = Button(t("No"), encode("page", "", "start"))
    turn.show(Screen(body, ((yes,), (no,))), kind="forget")


def _forget(turn: Turn, data: Callback) -> None:
    if data.arg(0) != "yes":
        raise Gone
    count = retention.forget_person(turn.tx, turn.person.id, by=turn.person.id)
    turn.erased = True
    words = turn.t("Deleted: {count} cases and everything else. To begin anew send /start.")
    turn.say(esc(words.format(count=count)), kind="farewell")


VERBS: dict[str, Callable[[Turn, Callback], None]] = {
    "agree": _agree,
    "role": _role,
    "set": _set,
    "page": _page,
    "new": new_case,
    "forget": _forget,
}
