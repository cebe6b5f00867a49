"""Who may call which API: users that name it, users of its groups, or all of them."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from stationmaster.core.names import UserName
from stationmaster.core.spec import Api, ApiUser

_Change = Callable[[set[str], str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Which APIs and groups have other callers than before; `names`: users came or went."""

    apis: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    names: bool = False

    def touches(self, api: Api) -> bool:
        return api.name in self.apis or not self.groups.isdisjoint(api.groups) or (self.names and api.any_user)


NO_CHANGE = Change()


class Callers:
    """Follows the declared users; a change of one of them touches only what that one may call."""

    def __init__(self) -> None:
        self._users: tuple[ApiUser, ...] = ()
        self._known: dict[UserName, ApiUser] = {}
        self._by_api: dict[str, set[str]] = defaultdict(set)
        self._by_group: dict[str, set[str]] = defaultdict(set)
        self._all: tuple[str, ...] = ()

    def learn(self, users: tuple[ApiUser, ...]) -> Change:
        if users is self._users:
            return NO_CHANGE
        now = {user.name: user for user in users}
        gone = [old for name, old in self._known.items() if now.get(name) is not old]
        come = [user for user in users if self._known.get(user.name) is not user]
        for old in gone:
            self._each(old, set.discard)
        for user in come:
            self._each(user, set.add)
        change = Change(
            apis=frozenset(api for user in (*gone, *come) for api in user.apis),
            groups=frozenset(group for user in (*gone, *come) for group in user.groups),
            names=now.keys() != self._known.keys(),
        )
        if change.names:
            self._all = tuple(sorted(now))
        self._users, self._known = users, now
        return change

    def _each(self, user: ApiUser, change: _Change) -> None:
        for api in user.apis:
            change(self._by_api[api], user.name)
        for group in user.groups:
            change(self._by_group[group], user.name)

    def of(self, api: Api) -> tuple[str, ...]:
        groups = (self._by_group.get(group, ()) for group in api.groups)
        return tuple(sorted(set[str]().union(self._by_api.get(api.name, ()), *groups)))

    def everybody(self) -> tuple[str, ...]:
        return self._all
