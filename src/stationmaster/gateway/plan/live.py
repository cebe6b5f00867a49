"""What is known now and not declared: withdrawn targets and what proves a caller."""

from dataclasses import dataclass, field

NO_KEYS = '{"keys":[]}'


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    consumer: str
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What is known now and not declared.

    `withdrawn` holds pairs of a virtual host's name and a target's address; `jwks` is the JSON of the key set
    (RFC 7517) that signs tokens.
    """

    withdrawn: frozenset[tuple[str, str]] = frozenset()
    jwks: str = NO_KEYS
    api_keys: tuple[ApiKey, ...] = ()
