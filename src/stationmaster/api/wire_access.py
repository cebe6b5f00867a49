"""Documents of logins, people and machine tokens, as they go over the wire."""

from datetime import datetime
from enum import Enum
from typing import Annotated

from msgspec import Meta

from stationmaster.access.roles import Role
from stationmaster.api.wire import Answer, Order

LONGEST_EXPIRY_DAYS = 3650

Name = Annotated[str, Meta(min_length=1, max_length=64)]
Password = Annotated[str, Meta(min_length=1, max_length=1024)]


class Login(Order):
    name: Annotated[str, Meta(min_length=1, max_length=255)]
    password: Password


class LoggedIn(Answer):
    """The token is shown once."""

    token: str
    name: str
    role: Role
    expires_at: datetime


class WhoAmI(Answer):
    name: str
    role: Role
    proof: str
    """file, token, session or run."""
    expires_at: datetime | None


class NewPassword(Order):
    current: Password
    new: Password


class PersonShown(Answer):
    name: str
    role: Role
    enabled: bool
    created_at: datetime
    created_by: str
    last_login_at: datetime | None


class PeopleShown(Answer):
    people: tuple[PersonShown, ...]


class NewPerson(Order):
    """Without a password one is generated and told in the answer."""

    name: Name
    role: Role
    password: Password | None = None


class PersonMade(Answer):
    person: PersonShown
    password: str | None
    """Only where it was generated; shown this once."""


class PersonChange(Order):
    """What is left out stays as it is. `generate_password` makes one and tells it in the answer."""

    role: Role | None = None
    enabled: bool | None = None
    password: Password | None = None
    generate_password: bool = False


class TokenState(Enum):
    HOLDS = "holds"
    EXPIRED = "expired"
    REVOKED = "revoked"


class TokenShown(Answer):
    id: str
    name: str
    role: Role
    prefix: str
    state: TokenState
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class TokensShown(Answer):
    tokens: tuple[TokenShown, ...]


class NewToken(Order):
    name: Name
    role: Role
    expires_in_days: Annotated[int, Meta(ge=1, le=LONGEST_EXPIRY_DAYS)] | None = 90
    """null: it holds until it is revoked."""


class TokenMade(Answer):
    """The token is shown once."""

    token: str
    details: TokenShown
