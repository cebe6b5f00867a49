"""What is said about incidents asks of runbooks: their messages and files; and what runbooks ask of the declaration:
whom it names as contacts."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents.status.desk import StatusDesk
from stationmaster.incidents.status.posting import Told
from stationmaster.incidents.status.words import PostStatus
from stationmaster.incidents.talk import moments
from stationmaster.incidents.talk.desk import Talk
from stationmaster.incidents.talk.moments import Audience, Template
from stationmaster.incidents.talk.runbook import RunbookFile
from stationmaster.incidents.talk.store import Update
from stationmaster.runbooks import store
from stationmaster.runbooks.library import Shelf
from stationmaster.runbooks.read.document import Runbook
from stationmaster.runbooks.read.knowledge import Message, Moment
from stationmaster.runtime.db import Database

_INSIDE = re.compile(r"\b(?:slack|internal|responders?|team|on-?call)\b|^#", re.IGNORECASE)
_QUOTED = re.compile(r"(?:status ?page|slack|#[\w-]+)", re.IGNORECASE)
"""The title of a message that stands in quotation marks in prose: a text of its own says more."""
_FOUND = re.compile(r"\bidentified\b", re.IGNORECASE)
_WATCHED = re.compile(r"\b(?:monitoring|mitigat\w+)\b", re.IGNORECASE)
_REVIEWED = re.compile(r"\b(?:post-?mortem|review|root cause)\b", re.IGNORECASE)
_SEEN = re.compile(r"\backnowledg", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunbooksForTalk:
    """The runbooks that answer an incident are those of its runs, the first one first."""

    database: Database
    shelf: Shelf

    async def messages(self, incident: int) -> Sequence[Template]:
        """Those of its runbooks, then those of documents that are about no alert and no service, and do nothing."""
        files = [file for _, file in await self._worked(incident)]
        books = {each.file: each for each in self.shelf.runbooks()}
        own = [books[file] for file in files if file in books]
        general = [each for each in books.values() if _is_general(each) and each not in own]
        return tuple(template for book in (*own, *general) for template in templates_of(book))

    async def runbook(self, incident: int) -> RunbookFile | None:
        """None also for a file that is no runbook any more."""
        known = self.shelf.library.value.files
        worked = [(title, Path(file)) for title, file in await self._worked(incident)]
        return next((RunbookFile(title=title, path=path) for title, path in worked if path in known), None)

    async def _worked(self, incident: int) -> list[tuple[str, str]]:
        runs = store.runs.c
        wanted = select(runs.runbook, runs.file).where(runs.incident == incident).order_by(runs.started_at, runs.id)
        async with self.database.read() as connection:
            rows = [(row.runbook, row.file) for row in await connection.execute(wanted)]
        return list(dict.fromkeys(rows))


def templates_of(runbook: Runbook) -> tuple[Template, ...]:
    """Its messages, quotations last."""
    ordered = sorted(runbook.knowledge.messages, key=lambda each: bool(_QUOTED.fullmatch(each.title)))
    return tuple(_templates(runbook, ordered))


def _templates(runbook: Runbook, messages: Sequence[Message]) -> Iterator[Template]:
    for each in messages:
        moment = _moment(each)
        if moment is not None:
            yield Template(
                moment=moment,
                text=each.text,
                audience=Audience.RESPONDERS if _INSIDE.search(each.title) else Audience.PUBLIC,
                title=each.title,
                source=f"{runbook.file}:{each.lines.first}",
                every_s=each.every_s,
                later=each.moment is Moment.EXTENDED,
            )


def _moment(message: Message) -> moments.Moment | None:
    """None: nobody knows when it is to be sent."""
    match message.moment:
        case Moment.FIRST:
            return moments.Moment.ACKNOWLEDGED if _SEEN.search(message.title) else moments.Moment.OPENED
        case Moment.RESTORED:
            return moments.Moment.RESOLVED
        case Moment.EXTENDED:
            return moments.Moment.UPDATE
        case Moment.UPDATE:
            if _FOUND.search(f"{message.title} {message.text}"):
                return moments.Moment.IDENTIFIED
            return moments.Moment.MITIGATED if _WATCHED.search(message.title) else moments.Moment.UPDATE
        case _:
            return moments.Moment.REVIEW if _REVIEWED.search(message.title) else None


def _is_general(runbook: Runbook) -> bool:
    """Whether its messages are meant for every incident: those of a procedure tell of what it does itself."""
    match, does = runbook.match, any(each.commands or each.actions for each in runbook.walk())
    return not (runbook.retired or does or match.alerts or match.quoted or match.service or runbook.service)


def contacts_of(spec: PlatformSpec) -> Mapping[str, Mapping[str, object]]:
    """Responders as runbooks name contacts: `contacts.ada.slack`, `contacts.ada.userid`, `contacts.ada.email`. Other
    addresses are nobody's business in a document."""
    return {
        each.name: {
            "name": each.full_name or each.name,
            **({"slack": each.slack, "userid": each.slack} if each.slack else {}),
            **({"email": each.email} if each.email else {}),
        }
        for each in spec.responders
    }


@dataclass(frozen=True, slots=True)
class OnStatusPage:
    """Puts updates on the status page; one that stands there already changes nothing."""

    desk: Callable[[], StatusDesk]

    async def __call__(self, update: Update) -> None:
        told = Told(key=f"update/{update.id}")
        status = PostStatus(update.word.value)
        await self.desk().post_update(update.incident, status, update.public_text, by=update.by, told=told)


@dataclass(frozen=True, slots=True)
class RunbookWords:
    """What the runbook wants users to be told; None where it says nothing, or leaves places that nobody can fill."""

    talk: Callable[[], Talk]

    async def __call__(self, incident: int, moment: str) -> str | None:
        found = await self.talk().message(incident, moments.Moment(moment))
        return found.text if found.complete and found.source != moments.OURS else None
