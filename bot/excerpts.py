"""What the bot answers when typed words carry an identifier."""

from collections.abc import Sequence

from bot.callbacks import encode
from bot.language import Translate
from bot.screen import Button, Screen, bold, esc, lines, paragraphs
from dialogs.identifiers import Finding, kind_title, masked


def refusal(text: str, findings: Sequence[Finding], t: Translate, *, group: bool = False) -> str:
    """Return the answer to words with a clear identifier: kinds and a masked excerpt, never the words."""
    if group:
        return esc(
            t("That message was not recorded: it seems to identify somebody. Please delete it.")
        )
    kinds = found_kinds(findings, t)
    return paragraphs(
        bold(t("Not stored: this seems to identify somebody.")),
        lines(
            esc(t("Found: {kinds}").format(kinds=kinds)),
            esc(t("Where: {excerpt}").format(excerpt=masked(text, list(findings)))),
        ),
        esc(
            t(
                "I asked Telegram to delete your message. Please write it again without that; "
                "relative times (“10 weeks”) and roles (“pain physician”) are fine."
            )
        ),
    )


def unkept(findings: Sequence[Finding], t: Translate) -> str:
    """Return the answer to words that storage would not keep, of which only the kinds are known."""
    return paragraphs(
        bold(t("Not stored: this seems to identify somebody.")),
        esc(t("Found: {kinds}").format(kinds=found_kinds(findings, t))),
    )


def question(text: str, findings: Sequence[Finding], t: Translate, *, held: str) -> Screen:
    """Return the screen that asks whether a possible identifier is one; one tap overrides."""
    body = paragraphs(
        bold(t("This may identify somebody. Use it as it is?")),
        lines(
            esc(t("Perhaps: {kinds}").format(kinds=found_kinds(findings, t))),
            esc(t("Where: {excerpt}").format(excerpt=masked(text, list(findings)))),
        ),
        esc(
            t(
                "Nothing has been used yet. Yes if it identifies nobody; no drops it, and you write it "
                "again."
            )
        ),
    )
    return Screen(
        body,
        (
            (Button(t("It identifies nobody, go on"), encode("held", "", held, "go")),),
            (Button(t("Drop it, I will write it again"), encode("held", "", held, "drop")),),
        ),
    )


def found_kinds(findings: Sequence[Finding], t: Translate) -> str:
    return ", ".join(sorted({t(kind_title(finding.kind)) for finding in findings}))
