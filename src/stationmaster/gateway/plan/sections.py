"""All routes by the first segment of their path and by host, in the order in which they are tried."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from stationmaster.core.problem import Diagnostic, Severity
from stationmaster.core.spec import Api, CredentialKind, PlatformSpec
from stationmaster.gateway.ir import PathMatch, Route, Section, Site
from stationmaster.gateway.plan.callers import Callers
from stationmaster.gateway.plan.policies import Surroundings, policy_of, problems_of
from stationmaster.gateway.plan.routes import Passage, in_order, routes, segment, what_it_matches

EVERY_HOST = "*"
_EXAMPLES = 3

Claim = tuple[str, Route]
"""A host and a route that an API wants there."""
Told = tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """What an API wants in each section."""

    api: Api
    claims: Mapping[str | None, tuple[Claim, ...]]
    issuers: tuple[str, ...]
    told: Told


class Sections:
    """Follows the declaration: a section of which no API changed is the same object as before, and is not looked at."""

    def __init__(self) -> None:
        self._callers = Callers()
        self._causes: tuple[object, ...] = ()
        self._surroundings = Surroundings(PlatformSpec(environment=""))
        self._own_issuer = ""
        self._wishes: dict[str, _Wish] = {}
        self._turns: dict[str, int] = {}
        """The place of every API in the declaration: of two that want the same the earlier one gets it."""
        self._members: dict[str | None, set[str]] = {None: set()}
        """The names of the APIs that want something in a section."""
        self._made: dict[str | None, Section] = {}
        self._told: dict[str | None, Told] = {}
        self.sections: tuple[Section, ...] = ()
        self.told: Told = ()
        self.trusts: tuple[tuple[str, ...], ...] = ()
        """Every choice of issuers that some route makes."""

    def follow(self, spec: PlatformSpec) -> None:
        causes = (spec.apis, spec.api_users, spec.virtual_hosts, spec.limits, spec.issuer)
        if self._causes and all(old is new for old, new in zip(self._causes, causes, strict=True)):
            return
        for segment_ in self._touched(spec):
            self._renew(segment_)
        self._causes = causes
        self.sections = tuple(self._made.values())
        wishes = self._wishes.values()
        self.trusts = tuple(sorted({each.issuers for each in wishes} - {()}))
        left_out = (each for wish in wishes if wish.told for each in wish.told)
        self.told = (*(each for told in self._told.values() for each in told), *left_out, *self._overtaken())

    def _touched(self, spec: PlatformSpec) -> list[str | None]:
        """Takes in what changed, and says in which sections; what is left comes first."""
        change = self._callers.learn(spec.api_users)
        surroundings = Surroundings(spec)
        same = spec.issuer == self._own_issuer and surroundings.same_as(self._surroundings)
        self._surroundings, self._own_issuer = surroundings, spec.issuer
        touched = set[str | None]() if self._made else {None}
        if self._arrange({api.name: at for at, api in enumerate(spec.apis)}):
            touched |= self._members.keys()
        for name in self._wishes.keys() - self._turns.keys():
            touched |= self._replace(name, None)
        for api in spec.apis:
            wish = self._wishes.get(api.name)
            if wish is None or (wish.api is not api and wish.api != api) or not same or change.touches(api):
                touched |= self._replace(api.name, self._wish(api))
        return sorted(touched, key=lambda each: (each is not None, each or ""))

    def _arrange(self, turns: dict[str, int]) -> bool:
        """Whether APIs that stay have changed places."""
        stayed = [turns[name] for name in self._turns if name in turns]
        self._turns = turns
        return any(one > next_ for one, next_ in pairwise(stayed))

    def _replace(self, name: str, new: _Wish | None) -> set[str | None]:
        """The sections in which the API wants something else than before."""
        old = self._wishes.pop(name, None)
        before, after = old.claims if old else {}, new.claims if new else {}
        for segment_ in before.keys() - after.keys():
            self._members[segment_].discard(name)
        for segment_ in after:
            self._members.setdefault(segment_, set()).add(name)
        if new:
            self._wishes[name] = new
        return {each for each in (*before, *after) if before.get(each) != after.get(each)}

    def _renew(self, first: str | None) -> None:
        names = self._members[first]
        self._told.pop(first, None)
        if not names and first is not None:
            del self._members[first]
            del self._made[first]
            return
        in_turn = sorted(names, key=self._turns.__getitem__)
        made, told = _section(first, [claim for name in in_turn for claim in self._wishes[name].claims[first]])
        if made != self._made.get(first):
            self._made[first] = made
        if told:
            self._told[first] = told

    def _wish(self, api: Api) -> _Wish:
        passage = self._passage(api)
        claims: dict[str | None, list[Claim]] = defaultdict(list)
        hosts = dict.fromkeys(host.lower() for host in api.hosts or (EVERY_HOST,))
        policy = policy_of(api, self._surroundings.of(api))
        for route in routes(api, passage, policy):
            claims[segment(route)] += [(host, route) for host in hosts]
        return _Wish(
            api=api,
            claims={first: tuple(found) for first, found in claims.items()},
            issuers=passage.issuers if CredentialKind.JWT in api.accepts else (),
            told=tuple(problems_of(api)),
        )

    def _passage(self, api: Api) -> Passage:
        """Every user is named where a foreign issuer may speak of people who are none of them."""
        issuers = tuple(sorted(set(api.policies.tokens.issuers))) or (self._own_issuer,)
        if not api.any_user:
            return Passage(issuers=issuers, callers=self._callers.of(api))
        if issuers != (self._own_issuer,):
            return Passage(issuers=issuers, callers=self._callers.everybody())
        return Passage(issuers=issuers, every_caller=True)

    def _overtaken(self) -> Iterator[Diagnostic]:
        """An API at the root of its host is tried after those that name the first segment of a path, even if they are
        of a wider host."""
        left = [claim for name in self._members[None] for claim in self._wishes[name].claims[None]]
        rooted = [(host, each) for host, each in left if host != EVERY_HOST and each.match is PathMatch.BELOW]
        if not rooted:
            return
        elsewhere: dict[str, Route] = {}
        for section in self.sections:
            if section.segment is not None:
                elsewhere.update((site.host, site.routes[0]) for site in section.sites)
        for host, route in sorted(rooted, key=lambda claim: (claim[0], claim[1].name)):
            wider = [elsewhere[each] for each in covering(host) if each != host and each in elsewhere]
            if wider:
                yield _goes_elsewhere(host, route, wider[:_EXAMPLES])


def _section(first: str | None, claims: Sequence[Claim]) -> tuple[Section, Told]:
    """A host tries its own routes, then those of the wildcards that cover it, then those of every host."""
    own: dict[str, dict[object, Route]] = defaultdict(dict)
    problems: list[Diagnostic] = []
    for host, route in claims:
        if own[host].setdefault(what_it_matches(route), route) is not route:
            problems.append(_taken(route, host))
    ordered = {host: tuple(sorted(found.values(), key=in_order)) for host, found in own.items()}
    if first is None:
        ordered.setdefault(EVERY_HOST, ())
    sites = tuple(
        Site(host=host, routes=tuple(route for each in covering(host) for route in ordered.get(each, ())))
        for host in ordered
    )
    return Section(segment=first, sites=sites), tuple(problems)


def covering(host: str) -> Iterator[str]:
    """The host itself, the wildcards that it falls under, the nearest first, and the one for all hosts."""
    yield host
    labels = host.split(".")
    yield from (f"*.{'.'.join(labels[at:])}" for at in range(1, len(labels)) if f"*.{'.'.join(labels[at:])}" != host)
    if host != EVERY_HOST:
        yield EVERY_HOST


def _taken(route: Route, host: str) -> Diagnostic:
    return Diagnostic(
        code="route-taken",
        message=f"{route.path} on host {host} belongs to an earlier API; {route.name} does not get it",
        origin=route.origin,
        hint="give one of the two APIs another path, host, method or header",
    )


def _goes_elsewhere(host: str, route: Route, wider: Sequence[Route]) -> Diagnostic:
    named = ", ".join(f"{each.path} to {each.name}" for each in wider)
    return Diagnostic(
        code="route-overtaken",
        message=f"{route.name} gets what is left at the root of {host}: APIs of a wider host go first ({named})",
        origin=route.origin,
        hint="give those APIs `hosts`, or list the paths of this one",
        severity=Severity.WARNING,
    )
