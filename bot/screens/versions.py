"""What differs between two versions of the content, in words."""

from collections.abc import Iterator, Sequence

from bot.language import Translate
from bot.screen import bold, esc, fold, lines
from dialogs import versions
from dialogs.content import Consideration, Priority, Scenario
from dialogs.summary import StepView, plain_source, source_views
from dialogs.versions import Differing, Part

TOGETHER = 15
"""Lines of a folded list; a longer one is cut, so that no page grows too long."""


def part_words(t: Translate) -> dict[Part, str]:
    """Return how each part that can differ is called."""
    return {
        "title": t("its title"),
        "text": t("its text"),
        "priority": t("its priority"),
        "strength": t("its strength"),
        "rule": t("which answers raise it"),
        "sources": t("its sources"),
        "question": t("asked differently"),
        "choices": t("other choices"),
        "when asked": t("asked in other cases"),
        "reason": t("another reason why it is asked"),
    }


def changed_questions(then: Scenario, now: Scenario, lost: Sequence[str], t: Translate) -> str:
    """Return which questions are new, gone or different, and which answers do not fit any more."""
    old, new = ({q.id: q for q in scenario.questions} for scenario in (then, now))
    listed = []
    for differing in versions.questions(then, now):
        question = new.get(differing.id) or old[differing.id]
        listed.append(_line(question.short, differing, t))
    note = t("your answer is no longer one of the choices")
    listed += [f"• {esc(old[name].short)}: {esc(note)}" for name in lost if name in new]
    return lines(bold(t("Questions")), *listed) if listed else ""


def _line(name: str, differing: Differing, t: Translate) -> str:
    if differing.parts in (("new",), ("gone",)):
        return f"{'+' if differing.parts == ('new',) else '−'} {esc(name)}"
    return f"• {esc(name)}: {esc(_parts(differing, t))}"


def _parts(differing: Differing, t: Translate) -> str:
    words = part_words(t)
    return ", ".join(words[part] for part in differing.parts)


def changed_points(
    raised: Sequence[str], then: Scenario, now: Scenario, t: Translate
) -> Iterator[str]:
    """Yield each raised consideration that is not the same today, then in short what else changed."""
    found = versions.considerations(then, now)
    for differing in (each for each in found if each.id in raised):
        yield _point(differing, then, now, t)
    rest = [
        _line(_of(differing, then, now).title, differing, t)
        for differing in found
        if differing.id not in raised
    ]
    for start in range(0, len(rest), TOGETHER):
        head = bold(
            t("Also changed, not raised by these answers ({count})").format(count=len(rest))
        )
        yield lines("" if start else head, fold("\n".join(rest[start : start + TOGETHER])))


def _of(differing: Differing, then: Scenario, now: Scenario) -> Consideration:
    return (then if differing.parts == ("gone",) else now).consideration(differing.id)


def _point(differing: Differing, then: Scenario, now: Scenario, t: Translate) -> str:
    """Return one consideration of both versions: what differs in it, and how it reads today."""
    old, new = then.consideration(differing.id), now.consideration(differing.id)
    told = {
        "title": f"{old.title} → {new.title}",
        "text": new.text,
        "priority": f"{_priority(old.priority, t)} → {_priority(new.priority, t)}",
        "strength": f"{old.strength} ({old.confidence}) → {new.strength} ({new.confidence})",
        "sources": "; ".join(plain_source(each) for each in source_views(new.sources, now, t)),
    }
    words = part_words(t)
    details = [f"{words[p]}: {told[p]}" for p in differing.parts if p in told]
    return lines(
        bold(new.title),
        esc(t("Changed: {what}").format(what=_parts(differing, t))),
        fold("\n".join(map(esc, details))) if details else "",
    )


def _priority(priority: Priority, t: Translate) -> str:
    names = {
        "address-now": t("Address now"),
        "discuss": t("Discuss"),
        "reassuring": t("Reassuring"),
    }
    return names[priority]


def changed_step(then: StepView, now: StepView, t: Translate) -> str:
    """Return what of a step of one name reads differently today; empty for nothing."""
    shown = {
        "who": (t("Who:"), now.who),
        "ask": (t("Ask:"), now.ask),
        "by": (t("By:"), now.by),
        "consent": (t("Consent:"), now.consent),
        "judgement": ("", now.judgement or ""),
        "notes": ("", "\n".join(now.notes)),
        "alternatives": (t("Other reasonable choices"), "\n".join(now.alternatives)),
        "sources": (t("Sources"), "\n".join(plain_source(each) for each in now.sources)),
    }
    parts = [shown[name] for name in versions.step_parts(then, now) if name in shown]
    if not parts:
        return ""
    rows = [f"{head} {text}".strip() for head, text in parts]
    return lines(esc(t("Its words today:")), fold("\n".join(map(esc, rows))))
