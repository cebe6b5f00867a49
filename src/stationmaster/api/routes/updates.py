"""Updates of incidents over REST: the draft, those that were given, and giving one."""

from typing import Annotated

from litestar import Controller, get, post
from litestar.params import JSONBody, QueryParameter

from stationmaster.access.roles import Role
from stationmaster.api.routes.given import GivenCaller, GivenPlatform
from stationmaster.api.routes.incident_words import IncidentNumber
from stationmaster.api.wire_updates import IncidentUpdate, UpdateDraft, UpdateList, UpdateOrder
from stationmaster.core.problem import PlatformError
from stationmaster.incidents.talk.desk import Posting
from stationmaster.incidents.talk.moments import Word
from stationmaster.incidents.talk.store import Update


class UpdateRoutes(Controller):
    path = "/api/v1/incidents/{number:int}/updates"
    tags = ("incidents",)

    @get(summary="The updates that were given, and when the next one is owed")
    async def list_all(self, platform: GivenPlatform, number: IncidentNumber) -> UpdateList:
        found = await platform.incidents.talk.standing(number)
        return UpdateList(updates=tuple(map(_update, found.updates)), due_at=found.due_at, every_s=found.every_s)

    @get("/draft", summary="What the next update would say")
    async def draft(
        self,
        platform: GivenPlatform,
        number: IncidentNumber,
        status: Annotated[str, QueryParameter(description="How the state is to be named.", max_length=32)] = "",
    ) -> UpdateDraft:
        found = await platform.incidents.talk.standing(number, word_of(status))
        draft = found.draft
        return UpdateDraft(
            status=draft.word.value,
            moment=draft.moment.value,
            text=draft.text,
            public_text=draft.public.text,
            open=draft.public.open,
            source=draft.public.source,
            after=found.last,
            due_at=found.due_at,
        )

    @post(
        opt={"role": Role.OPERATOR}, summary="Give an update: to the timeline, the channels and, if asked, the public"
    )
    async def give(
        self, platform: GivenPlatform, caller: GivenCaller, number: IncidentNumber, data: JSONBody[UpdateOrder]
    ) -> IncidentUpdate:
        posting = Posting(word=word_of(data.status), text=data.text.strip(), public=data.public, after=data.after)
        return _update(await platform.incidents.talk.post(number, posting, by=caller.name))


def word_of(text: str) -> Word | None:
    """Raises PlatformError `unknown-status`."""
    known = {each.value: each for each in Word}
    if text and text not in known:
        hint = f"known are {', '.join(known)}"
        raise PlatformError("unknown-status", f"an update has no status {text!r}", hint=hint)
    return known[text] if text else None


def _update(update: Update) -> IncidentUpdate:
    return IncidentUpdate(
        id=update.id,
        at=update.at,
        status=update.word.value,
        by=update.by,
        text=update.text,
        public_text=update.public_text,
        publication=update.publication.value,
        detail=update.detail,
    )
