"""The phases of a consult and the moves between them, as one table.

Questions are content, not phases: adding one never touches this file.
"""

from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from transitions import Machine, MachineError

from dialogs.errors import InvalidMove

Phase = Literal[
    "welcome",
    "asking",
    "confirming",
    "reviewing",
    "stopped",
    "advised",
    "decided",
    "planned",
    "followed_up",
    "closed",
    "cancelled",
]
Trigger = Literal[
    "begin",
    "read_back",
    "answered",
    "change",
    "review",
    "advise",
    "decide",
    "plan",
    "follow_up",
    "close",
    "reopen",
    "cancel",
]

PHASES: tuple[Phase, ...] = get_args(Phase)
TRIGGERS: tuple[Trigger, ...] = get_args(Trigger)

ADVISED: tuple[Phase, ...] = ("advised", "decided", "planned", "followed_up")
"""The phases in which a summary stands."""

ENDED: tuple[Phase, ...] = ("closed", "cancelled")
LIVE: tuple[Phase, ...] = tuple(phase for phase in PHASES if phase not in ENDED)


@dataclass(slots=True)
class Facts:
    """What the conditions of the table look at; lives for one move."""

    state: str
    red_flag: bool = False
    complete: bool = False
    advised: bool = False


def _move(trigger: Trigger, source: Phase | tuple[Phase, ...], dest: Phase, **rules: str) -> Any:
    return {"trigger": trigger, "source": source, "dest": dest, **rules}


MOVES: list[Any] = [
    _move("begin", "welcome", "asking"),
    _move("read_back", ("asking", "confirming"), "confirming"),
    _move("answered", ("asking", "confirming"), "stopped", conditions="red_flag"),
    _move("answered", ("asking", "confirming"), "reviewing", conditions="complete"),
    _move("answered", ("asking", "confirming"), "asking"),
    _move("change", ("asking", "confirming", "reviewing", "stopped", *ADVISED), "asking"),
    _move("review", ("asking", "confirming", *ADVISED), "reviewing"),
    _move("advise", ("asking", "confirming", "reviewing"), "advised", unless="red_flag"),
    _move("decide", ADVISED, "decided"),
    _move("plan", ADVISED, "planned"),
    _move("follow_up", ("planned", "followed_up"), "followed_up"),
    _move("close", LIVE, "closed"),
    _move("reopen", ENDED, "stopped", conditions="red_flag"),
    _move("reopen", ENDED, "advised", conditions="advised"),
    _move("reopen", ENDED, "asking"),
    _move("cancel", LIVE, "cancelled"),
]

_MACHINE = Machine(
    model=None,
    states=list(PHASES),
    initial="welcome",
    transitions=[
        {**move, "source": list(move["source"])} if isinstance(move["source"], tuple) else move
        for move in MOVES
    ],
    auto_transitions=False,
    queued=False,
    send_event=False,
)


def move(trigger: Trigger, facts: Facts) -> Phase:
    """Return the phase that ``trigger`` leads to; raise InvalidMove where the table has no such move."""
    before = facts.state
    try:
        moved = _MACHINE.events[trigger].trigger(facts)
    except MachineError as error:
        raise InvalidMove(before, trigger) from error
    if not moved:
        raise InvalidMove(before, trigger)
    return cast("Phase", facts.state)


def mermaid() -> str:
    """Return the table of moves as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", "    [*] --> welcome"]
    for row in MOVES:
        sources = row["source"] if isinstance(row["source"], tuple) else (row["source"],)
        rule = row.get("conditions") or (f"not {row['unless']}" if "unless" in row else "")
        label = f"{row['trigger']} [{rule}]" if rule else row["trigger"]
        lines += [f"    {source} --> {row['dest']}: {label}" for source in sources]
    return "\n".join([*lines, *(f"    {phase} --> [*]" for phase in ENDED), ""])


def drawing() -> bytes | None:
    """Return the table of moves as an SVG image, or None where pygraphviz is not installed."""
    try:
        import pygraphviz  # noqa: PLC0415 - a development tool
    except ImportError:
        return None
    graph = pygraphviz.AGraph(directed=True, strict=False, rankdir="LR")
    graph.node_attr.update(shape="box", style="rounded", fontname="sans-serif")
    graph.edge_attr.update(fontname="sans-serif", fontsize="10")
    for line in mermaid().splitlines():
        source, arrow, rest = line.strip().partition(" --> ")
        dest, _, label = rest.partition(": ")
        if arrow and "[*]" not in (source, dest):
            graph.add_edge(source, dest, label=label)
    drawn: bytes = graph.draw(format="svg", prog="dot")
    return drawn
