"""The first screens: scope and privacy, the role, settings, help, the list of cases."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.callbacks import encode
from bot.language import LANGUAGES, Translate, content_note
from bot.screen import Button, Row, Screen, bold, esc, laid_out, lines, paragraphs
from dialogs.content import Scenario
from storage.console import GLASS_LASTS

GLASS_MINUTES = int(GLASS_LASTS.total_seconds()) // 60
"""How long an administrator may read the words of a case."""


def scope_screen(scenario: Scenario, t: Translate) -> Screen:
    """Return what the bot is, for whom, and where its words are kept; accepted once."""
    body = paragraphs(
        bold(t("Curbside: a second look at a hard case")),
        lines(esc(scenario.scope_text), esc(content_note(scenario, t))),
        lines(
            bold(t("Before you type anything")),
            esc(
                t(
                    "This is a Telegram chat with a bot. It is not end-to-end encrypted, and Telegram "
                    "signs no HIPAA agreement. Answer by tapping; never type names, dates of birth, "
                    "record numbers or anything else that identifies a client."
                )
            ),
            esc(
                t(
                    "Typed text is checked for identifiers before it is stored, and stored encrypted. "
                    "Your own messages stay with Telegram until you delete them."
                )
            ),
        ),
    )
    agree = Button(t("I am a clinician and I agree"), encode("agree"))
    more = Button(t("How privacy works here"), encode("page", "", "privacy"))
    return Screen(body, ((agree,), (more,)))


def role_screen(scenario: Scenario, t: Translate, *, chosen: str | None = None) -> Screen:
    """Return the question about the person's own role, asked once and remembered."""
    question = scenario.question("role")
    listed = [f"{place}. {esc(o.label)}" for place, o in enumerate(question.options, 1)]
    buttons = [
        Button(
            f"{'✓ ' if option.id == chosen else ''}{place} · {option.button}",
            encode("role", "", option.id),
        )
        for place, option in enumerate(question.options, 1)
    ]
    note = t("Asked once and remembered. You can change it under /settings.")
    body = paragraphs(
        bold(question.prompt), "\n".join(listed), lines(esc(note), esc(content_note(scenario, t)))
    )
    return Screen(body, laid_out(buttons, 1))


def ready_screen(t: Translate, scenario: Scenario | None = None) -> Screen:
    """Return the screen from which a case is begun."""
    body = paragraphs(
        bold(t("Ready when you are")),
        esc(
            t(
                "Eight questions, one tap each; about a minute and a half. You get the considerations, "
                "with sources, and one suggested coordination step."
            )
        ),
        esc(content_note(scenario, t)) if scenario else "",
    )
    return Screen(
        body,
        (
            (Button(t("Start a case"), encode("new")),),
            (Button(t("Describe the case in words"), encode("tell")),),
            (Button(t("My cases"), encode("cases")), Button(t("Settings"), encode("set"))),
        ),
    )


def help_screen(t: Translate, *, case: str = "", code: str = "", admin: bool = False) -> Screen:
    """Return the commands and the words that work anywhere, and the way back to the case at hand."""
    rows = (
        ("/new", t("start a case")),
        ("/cases", t("your cases; open one again")),
        ("/resume", t("go on where you were")),
        ("/summary", t("show the summary of this case again")),
        ("/transcript", t("this case as a page or a file")),
        ("/cancel", t("stop this case; its answers are kept")),
        ("/team", t("your teams, cases shared with you")),
        ("/share", t("share this case: with a team, in a chat or by a link")),
        ("/opinions", t("cases shared with you: say what you think")),
        ("/lines", t("help lines that are open now")),
        ("/settings", t("role, path, language, time zone, quiet hours")),
        ("/privacy", t("what is stored, for how long, who sees it")),
        ("/mydata", t("everything stored about you, as a file")),
        ("/forgetme", t("delete it all")),
        ("/whoami", t("your numeric Telegram id")),
        *([("/admin", t("for admins: numbers, approvals, the console"))] if admin else ()),
    )
    body = paragraphs(
        bold(t("What you can do here")),
        "\n".join(f"{command} · {esc(what)}" for command, what in rows),
        esc(
            t(
                "Instead of tapping you can type an option, its number, or: back, skip, not known, why, "
                "repeat, cancel, help."
            )
        ),
        esc(t("Not for emergencies. In an emergency follow your own procedure and call 911.")),
    )
    back = Button(t("‹ Case {code}").format(code=code), encode("go", case))
    start = Button(t("Start a case"), encode("new"))
    return Screen(
        body, ((back,) if case else (), (start, Button(t("Help lines"), encode("lines"))))
    )


def privacy_screen(t: Translate, *, retention_days: int) -> Screen:
    """Return what is stored where, for how long, and who can see it."""
    points = (
        t("Telegram sees what you type and tap. Bot chats are not end-to-end encrypted."),
        t(
            "Typed text is checked for identifiers before anything is written. A clear hit is not stored."
        ),
        t(
            "Words and names are stored encrypted, with keys of their own for each case and person. "
            "Answers, doses and plans are not: they are codes and numbers in the database."
        ),
        t(
            "Only you see a case until you share it; whoever runs the machine and has its keys could."
        ),
        t(
            "Administrators see cases as codes (answers, plan, outcome, times) under a pseudonym. For a "
            "stated reason one can read a case's words and messages for {minutes} minutes; you are told. "
            "One can also look up your name. All of it is on record."
        ).format(minutes=GLASS_MINUTES),
        t(
            "What you think of a shared case stands there by role. Nobody sees it before they gave theirs."
        ),
        t("Text is deleted after {days} days; the log of codes is kept six years.").format(
            days=retention_days
        ),
        t("/mydata gives you everything as a file; /forgetme deletes it and destroys the keys."),
        t("Your own older messages stay with Telegram; delete them in the chat."),
        t("No name, no date of birth, no record number: use relative times such as “10 weeks”."),
    )
    body = paragraphs(bold(t("Privacy")), "\n".join(f"• {esc(point)}" for point in points))
    return Screen(body, ((Button(t("‹ Back"), encode("page", "", "start")),),))


@dataclass(frozen=True, slots=True)
class CaseLine:
    """One case of the list: its codes, its state in words, and its age in words."""

    case: str
    code: str
    state: str
    age: str
    hypothetical: bool = False


def cases_screen(
    cases: Sequence[CaseLine], t: Translate, *, page: int = 0, more: bool = False
) -> Screen:
    """Return one page of the person's cases, newest first."""
    if not cases and not page:
        empty = paragraphs(bold(t("Your cases")), esc(t("No case yet.")))
        return Screen(empty, ((Button(t("Start a case"), encode("new")),),))
    marked = [f" · {t('what-if')}" if line.hypothetical else "" for line in cases]
    listed = "\n".join(
        f"{bold(line.code)} · {esc(line.state)} · {esc(line.age)}{esc(mark)}"
        for line, mark in zip(cases, marked, strict=True)
    )
    buttons = [
        Button(f"{line.code} · {line.state}{mark}", encode("go", line.case))
        for line, mark in zip(cases, marked, strict=True)
    ]
    turn_page = []
    if page:
        turn_page.append(Button(t("‹ Newer"), encode("cases", "", page - 1)))
    if more:
        turn_page.append(Button(t("Older ›"), encode("cases", "", page + 1)))
    rows: tuple[Row, ...] = (
        *laid_out(buttons, 1),
        tuple(turn_page),
        (Button(t("Start a case"), encode("new")),),
    )
    return Screen(paragraphs(bold(t("Your cases")), listed), rows)


@dataclass(frozen=True, slots=True)
class SettingsLine:
    role: str
    path: str
    language: str
    time_zone: str
    quiet: str
    translated: bool = False
    """Whether the clinical content has a reviewed translation into the language."""


def settings_screen(line: SettingsLine, t: Translate) -> Screen:
    """Return what the person can set, each one tap away."""
    quick = line.path == "quick"
    body = paragraphs(
        bold(t("Settings")),
        lines(
            esc(t("Role: {value}").format(value=line.role)),
            esc(
                t("Questions: {value}").format(
                    value=t("quick (8), the rest later") if quick else t("all that apply")
                )
            ),
            esc(t("Language: {value}").format(value=LANGUAGES.get(line.language, "English"))),
            esc(t("Time zone: {value}").format(value=line.time_zone)),
            esc(t("Quiet hours: {value}").format(value=line.quiet)),
        ),
        esc(t("Clinical content is in English: no reviewed translation yet."))
        if line.language != "en" and not line.translated
        else "",
    )
    other = t("Ask all questions") if quick else t("Ask the quick eight")
    return Screen(
        body,
        (
            (
                Button(t("Change role"), encode("set", "", "role")),
                Button(other, encode("set", "", "path")),
            ),
            (
                Button(t("Language"), encode("set", "", "language")),
                Button(t("Time zone"), encode("set", "", "zone")),
            ),
            (Button(t("Quiet hours"), encode("set", "", "quiet")),),
            (Button(t("‹ Back"), encode("page", "", "start")),),
        ),
    )


def choice_screen(
    title: str, note: str, choices: Sequence[tuple[str, str]], setting: str, t: Translate
) -> Screen:
    """Return a screen that sets one setting: (value, label) a button."""
    buttons = [Button(label, encode("set", "", setting, value)) for value, label in choices]
    back = (Button(t("‹ Back"), encode("set")),)
    return Screen(paragraphs(bold(title), esc(note)), (*laid_out(buttons), back))
