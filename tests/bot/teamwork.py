"""A team in the chat: Ana leads it, Ben responds, Dan is a stranger; and Ana's case, shared."""

from dataclasses import dataclass
from typing import Any

from storage import consults, groups, people, shares, teams
from storage.teams import Role, Team
from storage.transaction import Tx
from tests.bot import walks
from tests.bot.conftest import Conversation
from web.emulator import Group, Person, group, person

NURSE = "2 · Medical"


@dataclass
class Clinic:
    """People around one bot. ``talk.me`` is Ana."""

    talk: Conversation
    ben: Person
    dan: Person
    team: Team

    async def database(self, unit: Any) -> Any:
        return await self.talk.service.database.write(unit)

    async def invited(self, role: Role = "responder") -> Any:
        return await self.database(
            lambda tx: teams.invite(tx, self.team, role, self.team.created_by)
        )

    async def follows(self, who: Person, payload: str) -> str:
        """Open a deep link and return what the bot said last."""
        who.starts(payload)
        await self.talk.settles()
        return " ".join(message.text for message in who.replies[-2:])

    async def case(self) -> str:
        """Return the short id of Ana's case, at its summary."""
        await self.talk.says("/start")
        return walks.case_of(await walks.summary(self.talk))

    async def shared(self) -> str:
        """Share Ana's case with the team and return its short id."""
        case = await self.case()
        await self.talk.taps("Share the case", "I checked: to “Team")
        return case

    async def bound(self, *, admin: bool = False, topics: bool = False) -> Group:
        """Return a group of Ana, Ben and Dan that is bound to the team."""
        everybody = [self.talk.me, self.ben, self.dan]
        made = group(self.talk.emulator, "Ward 3", everybody, is_forum=topics)
        made.adds_bot(self.talk.me, admin=admin)
        await self.talk.settles()
        chat_id = made.chat.id

        def bind(tx: Tx) -> None:
            about = groups.ask(
                tx,
                self.team.id,
                self.team.created_by,
                chat_id=chat_id,
                title="Ward 3",
                is_forum=topics,
            )
            groups.bind(tx, about, self.team.created_by)
            groups.set_topics(tx, about, self.team.created_by, topics=topics)

        await self.database(bind)
        return made

    async def share_of(self, case: str) -> Any:
        """Return the newest share of a case."""
        return await self.database(
            lambda tx: shares.of_consult(tx, consults.load_short(tx, case).id)[0]
        )


async def known(talk: Conversation, number: int, name: str) -> Person:
    """Return somebody who has accepted the scope and said that they are a nurse."""
    who = person(talk.emulator, number, name)
    who.starts()
    await talk.settles()
    await talk.taps("I am a clinician", NURSE, who=who)
    return who


async def clinic_of(talk: Conversation) -> Clinic:
    """Return a team of Ana, who leads, and Ben, who responds; Dan is in none."""
    ben, dan = await known(talk, 502, "Ben"), await known(talk, 503, "Dan")

    def begin(tx: Tx) -> Team:
        ana = people.get_or_create(tx, 501, "Ana")
        made = teams.create(tx, ana.id, "Team & <co>")
        joining = people.get_or_create(tx, 502, "Ben")
        teams.accept(tx, joining.id, teams.invite(tx, made, "responder", ana.id).token)
        return made

    return Clinic(talk, ben, dan, await talk.service.database.write(begin))


def url_of(who: Person) -> str:
    """Return the payload of the newest message's link button."""
    return str(who.last.rows[0][0]["url"]).split("start=")[1]
