"""Puts a post about an incident on the page: the public incident, the post, fact, audit and what subscribers are owed,
in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from stationmaster.core.facts import StatusPosted
from stationmaster.core.problem import PlatformError
from stationmaster.core.spec import PlatformSpec
from stationmaster.incidents import store as incident_store
from stationmaster.incidents.life import Status
from stationmaster.incidents.status import neutral, store
from stationmaster.incidents.status.deliveries_store import owe_post
from stationmaster.incidents.status.ids import fresh_id
from stationmaster.incidents.status.neutral import Moment
from stationmaster.incidents.status.standing import Hold, Parts, Suffering, derived, touches
from stationmaster.incidents.status.store import Affected, Post, PublicIncident
from stationmaster.incidents.status.suffering import suffering
from stationmaster.incidents.status.words import Impact, PostStatus, Standing, gravest, impact_of, worst
from stationmaster.runtime import audit, outbox
from stationmaster.runtime.audit import Change

MOST_TEXT, MOST_TITLE = 20_000, 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a post may say beside its status and text. `components` are set to these standings until the incident is
    told to be resolved; `key` makes the post idempotent: the second one of a key on an incident changes nothing."""

    title: str = ""
    impact: Impact | None = None
    components: Mapping[str, Standing] = field(default_factory=dict)
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a post would be: the public incident as it is then, and the post."""

    public: PublicIncident
    post: Post
    is_new: bool
    """Nothing of the incident was public before."""
    stood_already: bool = False
    """There is a post of that key: nothing is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    incident: int
    status: PostStatus
    body: str
    by: str
    told: Told
    at: datetime
    moment: Moment | None = None
    """What of the incident the platform itself tells with it; None: somebody posts."""


async def draft(connection: AsyncConnection, spec: PlatformSpec, wanted: Wanted) -> Draft:
    """Writes nothing. Raises PlatformError `unknown-incident`, `unknown-component`, `too-long`, `not-now`."""
    incident = await incident_store.known(connection, wanted.incident)
    known = await store.public_incident(connection, wanted.incident)
    told, key = wanted.told, wanted.told.key or fresh_id()
    stood = None if known is None or not told.key else await store.post_of(connection, known.id, told.key)
    if known is not None and stood is not None:
        return Draft(public=known, post=stood, is_new=False, stood_already=True)
    _check(spec, wanted, known)
    before = {name: span.standing for name, span in (await store.current_standings(connection)).items()}
    everything = await suffering(connection)
    felt = _felt(spec, [each for each in everything if each.incident == incident.number])
    names = tuple(
        each.name
        for each in spec.status_page.components
        if each.name in felt or each.name in told.components or (known is not None and each.name in known.components)
    )
    held = {
        name: each.standing
        for name, each in (await store.all_holds(connection)).items()
        if each.incident != wanted.incident and each.holds(wanted.at)
    }
    stands = {**_all(spec, everything), **held}
    after = {name: _after(name, wanted, stands, before) for name in names}
    public = _public(known, wanted, names, after)
    seen = wanted.moment or (known.seen if known is not None else moment_of(incident.status))
    public = replace(public, seen=seen)
    affected = tuple(
        Affected(name=name, before=before.get(name, Standing.OPERATIONAL), after=after[name]) for name in names
    )
    body = wanted.body.strip() or neutral.text(wanted.status, names)
    post = Post(
        id=fresh_id(),
        about=public.id,
        at=public.updated_at,
        status=wanted.status.value,
        body=body,
        by=wanted.by,
        key=key,
        affected=affected,
    )
    return Draft(public=public, post=post, is_new=known is None)


async def write(connection: AsyncConnection, wanted: Wanted, drafted: Draft) -> None:
    public, post = drafted.public, drafted.post
    await store.keep_public(connection, public)
    await store.add_post(connection, post)
    if wanted.status.is_over:
        await store.release_of(connection, wanted.incident)
    for name, standing in wanted.told.components.items():
        over = wanted.status.is_over
        held = Hold(
            component=name,
            standing=standing,
            at=post.at,
            by=wanted.by,
            why=public.title,
            incident=None if over else wanted.incident,
        )
        await (_release_well(connection, held) if over else store.hold(connection, held))
    fact = StatusPosted(at=post.at, incident=wanted.incident, status=post.status, by=wanted.by, text=post.body)
    await outbox.append(connection, fact)
    after = {"status": post.status, "impact": public.impact.value, "title": public.title, "text": post.body}
    change = Change(
        at=post.at, who=wanted.by, action="post", kind="status-page", name=str(wanted.incident), after=after
    )
    await audit.record(connection, change)
    await owe_post(connection, post, public.components, post.at)


async def _release_well(connection: AsyncConnection, held: Hold) -> None:
    """After the end of the incident only what is set to something else than well is held."""
    if held.standing is Standing.OPERATIONAL:
        await store.release(connection, held.component)
    else:
        await store.hold(connection, held)


def _check(spec: PlatformSpec, wanted: Wanted, known: PublicIncident | None) -> None:
    checked_components(spec, tuple(wanted.told.components))
    if len(wanted.body) > MOST_TEXT or len(wanted.told.title) > MOST_TITLE:
        hint = f"a title has at most {MOST_TITLE} characters, a text {MOST_TEXT:,}"
        raise PlatformError("too-long", "the post is too long", hint=hint)
    if wanted.status is PostStatus.POSTMORTEM and (known is None or known.resolved_at is None):
        hint = "post it as `resolved` first"
        raise PlatformError("not-now", "nobody was told that it is resolved", hint=hint, status=409)
    if _says_the_end_again(wanted, known):
        hint = "say something new with a text, or post it as `postmortem`"
        raise PlatformError("not-now", "the public was told already that it is resolved", hint=hint, status=409)


def _says_the_end_again(wanted: Wanted, known: PublicIncident | None) -> bool:
    """In the same neutral words, with nothing changed."""
    told = wanted.told
    new = wanted.body.strip() or told.title or told.impact or told.components or wanted.moment
    return not new and known is not None and wanted.status is known.status is PostStatus.RESOLVED


def checked_components(spec: PlatformSpec, names: Sequence[str]) -> None:
    """Raises PlatformError `unknown-component`."""
    known = [each.name for each in spec.status_page.components]
    for name in names:
        if name not in known:
            hint = f"known are {', '.join(known)}" if known else "declare some: `status_page.components`"
            raise PlatformError("unknown-component", f"there is no component {name[:60]!r}", hint=hint, status=404)


def _felt(spec: PlatformSpec, found: Sequence[Suffering]) -> frozenset[str]:
    """The components that suffer from it."""
    return frozenset(each.name for each in spec.status_page.components if any(touches(each, one) for one in found))


def _all(spec: PlatformSpec, found: Sequence[Suffering]) -> dict[str, Standing]:
    parts = parts_of(spec)
    return {each.name: derived(each, found, parts) for each in spec.status_page.components}


def parts_of(spec: PlatformSpec) -> Parts:
    return Parts(
        instances={each.name: frozenset(one.name for one in each.instances) for each in spec.services},
        nodes=frozenset(each.name for each in spec.nodes),
    )


def _after(name: str, wanted: Wanted, stands: Mapping[str, Standing], before: Mapping[str, Standing]) -> Standing:
    """After the end a component stands as all other incidents leave it."""
    if name in wanted.told.components:
        return wanted.told.components[name]
    now = stands.get(name, Standing.OPERATIONAL)
    return now if wanted.status.is_over else worst([now, before.get(name, Standing.OPERATIONAL)])


def _public(
    known: PublicIncident | None, wanted: Wanted, names: tuple[str, ...], after: Mapping[str, Standing]
) -> PublicIncident:
    bad = worst(after.values())
    seen = impact_of(bad)
    if known is None:
        title = wanted.told.title.strip() or neutral.title(names, bad)
        base = PublicIncident(
            id=fresh_id(),
            incident=wanted.incident,
            title=title,
            impact=wanted.told.impact or seen,
            status=wanted.status,
            components=names,
            created_at=wanted.at,
            updated_at=wanted.at,
        )
    else:
        # Posts follow each other whatever the clock does.
        at = max(wanted.at, known.updated_at)
        impact = wanted.told.impact or gravest([known.impact, seen])
        title = wanted.told.title.strip() or known.title
        base = replace(known, title=title, impact=impact, status=wanted.status, components=names, updated_at=at)
    return _reached(base, wanted.status)


def _reached(public: PublicIncident, status: PostStatus) -> PublicIncident:
    if status.is_over:
        return replace(public, resolved_at=public.resolved_at or public.updated_at)
    monitoring_at = public.updated_at if status is PostStatus.MONITORING else public.monitoring_at
    return replace(public, resolved_at=None, monitoring_at=monitoring_at)


def moment_of(status: Status) -> Moment:
    if status.is_over:
        return Moment.RESOLVED
    return Moment.MITIGATED if status is Status.MITIGATED else Moment.OPENED
