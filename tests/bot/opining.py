"""A shared case and three who think about it: Ana asks, Ben and Cleo respond; what each can see."""

from dataclasses import dataclass, replace
from typing import Any

from dialogs.content import load_scenario
from storage import consults, people, rounds, shares, teams
from storage.consults import StoredConsult
from storage.teams import Team
from storage.transaction import Tx
from tests.bot.conftest import Conversation
from tests.bot.teamwork import Clinic, clinic_of, known
from web.emulator import Message, Person, person

REASON = "There is no stop date and nobody checks."
"""What Ben types; it must reach nobody before they gave theirs."""

OTHERS = {502: "Ben", 503: "Dan", 504: "Cleo"}

FOUNDING: dict[str, Any] = {
    "role": "counselor",
    "safety_now": ["none"],
    "setting": "otp",
    "mat": "methadone",
    "reason": "flare",
    "opioid": [{"drug": "oxycodone"}],
    "duration": "3to12m",
    "endplan": "none",
    "monitoring": ["pain_visits", "counselor"],
}

CHOICES = ("It depends", "1", "2", "4")
"""Four taps: concern, step, what weighs most, how sure."""


@dataclass
class Opining:
    """Ana's case with a round that runs."""

    clinic: Clinic
    cleo: Person
    case: str

    @property
    def talk(self) -> Conversation:
        return self.clinic.talk

    @property
    def ana(self) -> Person:
        return self.clinic.talk.me

    @property
    def ben(self) -> Person:
        return self.clinic.ben

    async def opens(self, who: Person) -> Message:
        """Go to what people think, or to one's own opinion, from wherever one is."""
        who.forges(f"1|op|{self.case}|", who.screen_or_none or who.last)
        await self.talk.settles()
        return who.last

    async def chooses(self, who: Person, choices: tuple[str, ...] = CHOICES) -> Message:
        """Tap an opinion together; it is not given yet."""
        await self.opens(who)
        return await self.talk.taps(*choices, who=who)

    async def gives(
        self, who: Person, choices: tuple[str, ...] = CHOICES, reason: str = ""
    ) -> Message:
        """Give an opinion and return the screen it leads to."""
        await self.chooses(who, choices)
        if reason:
            await self.talk.says(reason, who)
        return await self.talk.taps("Give my opinion", who=who)

    async def closes(self) -> Message:
        """Let Ana close the round."""
        await self.opens(self.ana)
        await self.talk.taps("Close it now", "Yes, close it")
        return self.ana.last

    async def forged(self, data: str, who: Person) -> str:
        """Send callback data as ``who`` and return the toast it got; {case} is the case's id."""
        who.forges("1|" + data.format(case=self.case), who.screen_or_none or who.last)
        await self.talk.settles()
        return who.toasts[-1].text


async def opining_of(talk: Conversation) -> Opining:
    """Return Ana's shared case; Ben and Cleo are responders of her team, Dan is a stranger.

    Written into the database at once: walking there takes a second.
    """
    others = {number: person(talk.emulator, number, name) for number, name in OTHERS.items()}
    team, short = await talk.service.database.write(_shared)
    for who in (talk.me, *others.values()):
        who.starts()
    await talk.settles()
    return Opining(Clinic(talk, others[502], others[503], team), others[504], short)


async def opining_by_chat(talk: Conversation) -> Opining:
    """Return the same, walked to in the chat."""
    clinic = await clinic_of(talk)
    cleo = await known(talk, 504, "Cleo")
    await clinic.database(lambda tx: _join(tx, clinic.team, people.get_or_create(tx, 504, "Cleo")))
    return Opining(clinic, cleo, await clinic.shared())


def _shared(tx: Tx) -> tuple[Team, str]:
    everybody = {number: _somebody(tx, number, name) for number, name in OTHERS.items()}
    ana = _somebody(tx, 501, "Ana", "counselor")
    team = teams.create(tx, ana.id, "Team & <co>")
    for number in (502, 504):
        _join(tx, team, everybody[number])
    case = _advised(tx, ana)
    shares.with_team(tx, shares.publish(tx, case, ana.id), team.id, ana.id)
    rounds.open_round(tx, case, ana.id)
    return team, case.short


def _somebody(tx: Tx, number: int, name: str, role: str = "otp_med") -> people.Person:
    who = people.accept_scope(tx, people.get_or_create(tx, number, name))
    return people.set_choices(tx, who, role=role)


def _join(tx: Tx, team: Team, who: people.Person) -> None:
    made = teams.invite(tx, team, "responder", team.created_by)
    teams.accept(tx, who.id, made.token)


def _advised(tx: Tx, owner: people.Person) -> StoredConsult:
    """Return the founding case at its summary."""
    scenario = load_scenario()
    consults.store_content(
        tx,
        content_hash=scenario.hash,
        scenario_id=scenario.id,
        version=scenario.version,
        body=scenario.body,
    )
    made = consults.create(tx, owner, scenario_id=scenario.id, content_hash=scenario.hash)
    advised = replace(
        made, phase="advised", answers=FOUNDING, draft={"shown": FOUNDING}, finished_at=tx.now
    )
    return consults.save(tx, advised, made.revision)


async def share_again(case: Opining) -> None:
    """Post the case's card in the group that was bound after it was shared."""
    await case.talk.says("/summary")
    await case.talk.taps("Shared (1)", "Share with more")
    while not any(label.startswith("I checked: to “") for label in case.ana.screen.labels):
        await case.talk.taps(
            next(label for label in case.ana.screen.labels if label.endswith(" ›"))
        )
    await case.talk.taps("I checked: to “Team")
