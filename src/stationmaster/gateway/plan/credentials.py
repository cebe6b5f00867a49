"""Keys and key sets that prove a caller; what proves nobody is left out."""

import json
from collections import defaultdict
from collections.abc import Iterable

from stationmaster.core.problem import NOWHERE, Diagnostic
from stationmaster.gateway.ir import KeyHolder
from stationmaster.gateway.plan.live import NO_KEYS, ApiKey


def key_holders(api_keys: Iterable[ApiKey]) -> tuple[tuple[KeyHolder, ...], list[Diagnostic]]:
    """A key that names two consumers proves neither of them."""
    holders: dict[str, set[str]] = defaultdict(set)
    for each in api_keys:
        if each.key:
            holders[each.key].add(each.consumer)
    kept = sorted((min(names), key) for key, names in holders.items() if len(names) == 1)
    problems = [
        Diagnostic(
            code="key-of-two",
            message=f"one API key belongs to {' and '.join(sorted(names))}; it is refused",
            origin=NOWHERE,
            hint="revoke it and give each of them a new one",
        )
        for names in holders.values()
        if len(names) > 1
    ]
    return tuple(KeyHolder(caller=caller, key=key) for caller, key in kept), problems


def public_jwks(text: str) -> tuple[str, list[Diagnostic]]:
    """Only public keys may check tokens: a symmetric one would let every reader of the set sign."""
    try:
        keys = list(json.loads(text)["keys"])
    except (ValueError, KeyError, TypeError) as error:
        return NO_KEYS, [_jwks_problem(f"the key set cannot be read: {error!r}; every token is refused")]
    public = [key for key in keys if _is_public(key)]
    problems = [_jwks_problem("the key set holds a key that is not public; it is ignored")] * (len(public) < len(keys))
    return json.dumps({"keys": public}, sort_keys=True, separators=(",", ":")), problems


def _is_public(key: object) -> bool:
    return isinstance(key, dict) and key.get("kty") in ("RSA", "EC", "OKP") and "d" not in key


def _jwks_problem(message: str) -> Diagnostic:
    return Diagnostic(code="key-set", message=message, origin=NOWHERE, hint="look at /api/auth/jwks of the key service")
