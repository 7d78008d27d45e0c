"""Everything that can go wrong in a consult; messages carry ids, kinds, counts, never words."""


class ConsultError(Exception):
    """Base class, so that a caller can catch the lot."""


class InvalidMove(ConsultError):
    """The consult is in a phase that does not allow this trigger."""

    def __init__(self, phase: str, trigger: str) -> None:
        super().__init__(f"cannot {trigger} while in {phase}")
        self.phase = phase
        self.trigger = trigger


class InvalidAnswer(ConsultError):
    """An answer does not fit its question; the message names the field and what it takes."""

    def __init__(self, field: str, expected: str) -> None:
        super().__init__(f"{field}: expected {expected}")
        self.field = field
        self.expected = expected


class ContentError(ConsultError):
    """A scenario file is wrong; the bot must not start."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem
