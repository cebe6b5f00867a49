"""Who is declared and what that opens: the API users and APIs by name, and what changed between two declarations."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from stationmaster.core.names import ApiName, UserName
from stationmaster.core.spec import Api, ApiUser, PlatformSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedBy:
    """What opens an API to a user that does not name it."""

    groups: frozenset[str]
    any_user: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """An API user as far as it matters to what it may ask for."""

    apis: frozenset[str]
    groups: frozenset[str]

    def may_call(self, api: str, opened_by: OpenedBy | None) -> bool:
        """`opened_by` None: no such API is declared."""
        if opened_by is None:
            return False
        return api in self.apis or opened_by.any_user or bool(self.groups & opened_by.groups)


@dataclass(frozen=True, slots=True)
class Roster:
    """One declaration. Equal parts of two declarations are the same objects, which makes comparing them cheap."""

    spec: PlatformSpec
    users: Mapping[UserName, ApiUser] = field(repr=False)
    apis: Mapping[ApiName, Api] = field(repr=False)

    @classmethod
    def of(cls, spec: PlatformSpec) -> "Roster":
        return cls(spec, {each.name: each for each in spec.api_users}, {each.name: each for each in spec.apis})

    def next(self, spec: PlatformSpec) -> "Roster":
        same_users, same_apis = spec.api_users is self.spec.api_users, spec.apis is self.spec.apis
        users = self.users if same_users else {each.name: each for each in spec.api_users}
        apis = self.apis if same_apis else {each.name: each for each in spec.apis}
        return Roster(spec, users, apis)

    def may_call(self, user: UserName, api: ApiName) -> bool:
        declared = self.apis.get(api)
        return holder(self.users[user]).may_call(api, None if declared is None else opened_by(declared))


def holder(user: ApiUser) -> Holder:
    return Holder(apis=frozenset(user.apis), groups=frozenset(user.groups))


def opened_by(api: Api) -> OpenedBy:
    return OpenedBy(groups=frozenset(api.groups), any_user=api.any_user)


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterChange:
    """From one declaration to the next: what came or changed, and what left."""

    users: tuple[ApiUser, ...] = ()
    gone_users: tuple[UserName, ...] = ()
    apis: tuple[Api, ...] = ()
    gone_apis: tuple[ApiName, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.users or self.gone_users or self.apis or self.gone_apis)


def change(before: Roster, after: Roster) -> RosterChange:
    users, apis = before.users is not after.users, before.apis is not after.apis
    return RosterChange(
        users=tuple(_put(before.users, after.users)) if users else (),
        gone_users=tuple(before.users.keys() - after.users.keys()) if users else (),
        apis=tuple(_put_apis(before.apis, after.apis)) if apis else (),
        gone_apis=tuple(before.apis.keys() - after.apis.keys()) if apis else (),
    )


def _put(before: Mapping[UserName, ApiUser], after: Mapping[UserName, ApiUser]) -> Iterable[ApiUser]:
    for name, user in after.items():
        old = before.get(name)
        if old is not user and (old is None or holder(old) != holder(user)):
            yield user


def _put_apis(before: Mapping[ApiName, Api], after: Mapping[ApiName, Api]) -> Iterable[Api]:
    for name, api in after.items():
        old = before.get(name)
        if old is not api and (old is None or _asked(old) != _asked(api)):
            yield api


def _asked(api: Api) -> tuple[OpenedBy, tuple[str, ...]]:
    return opened_by(api), api.policies.tokens.scopes
