"""Keys and key sets that prove a caller; what proves nobody is left out."""

import json
from collections import defaultdict
from collections.abc import Iterable

from stationmaster.core.problem import NOWHERE, Diagnostic, Origin
from stationmaster.core.proofs import API_KEY_PREFIX, NO_KEYS, ApiKeyProof, IssuerProof, Proofs, shard_of
from stationmaster.core.spec import PlatformSpec
from stationmaster.gateway.ir import KeyHolder, KeyShard, Refused, TokenIssuer
from stationmaster.gateway.remembered import Remembered

SHARDS = tuple(f"{number:02x}" for number in range(256))
SEPARATORS = frozenset(";|")
"""Characters that no name of a user, a key or an API holds: nodes get those three as one text."""

Told = tuple[Diagnostic, ...]


class Credentials:
    """Plans what proves callers; a shard of keys or a key set that did not change is not looked at again."""

    def __init__(self) -> None:
        self._shards: Remembered[tuple[KeyShard, Told]] = Remembered()
        self._sets: Remembered[tuple[str, Told]] = Remembered()
        self._refused: Remembered[Refused] = Remembered()

    def shards(self, proofs: Proofs) -> tuple[tuple[KeyShard, ...], Told]:
        """All 256 of them, so that every node knows of every one that it is empty, or what it holds."""
        found = [self._shard(digits, proofs.shards.get(digits, ())) for digits in SHARDS]
        return tuple(shard for shard, _ in found), tuple(each for _, told in found for each in told)

    def _shard(self, digits: str, keys: tuple[ApiKeyProof, ...]) -> tuple[KeyShard, Told]:
        return self._shards.of(digits, (keys,), lambda: key_shard(digits, keys))

    def issuers(self, spec: PlatformSpec, proofs: Proofs) -> tuple[tuple[TokenIssuer, ...], Told]:
        """The platform's own goes by the name of its issuer; a foreign one has to be declared."""
        jwks, told = self._set(spec.issuer, proofs.jwks)
        own = TokenIssuer(
            name=spec.issuer, issuer=spec.issuer, audiences=(spec.environment,), jwks=jwks, names_routes=True
        )
        declared = {each.name: each.origin for each in spec.token_issuers if each.name != spec.issuer}
        foreign = [self._foreign(each, declared[each.name]) for each in proofs.issuers if each.name in declared]
        return (own, *(issuer for issuer, _ in foreign)), (*told, *(each for _, told in foreign for each in told))

    def _foreign(self, proof: IssuerProof, origin: Origin) -> tuple[TokenIssuer, Told]:
        jwks, told = self._set(proof.name, proof.jwks)
        return TokenIssuer(
            name=proof.name,
            issuer=proof.issuer,
            audiences=proof.audiences,
            jwks=jwks,
            caller_claim=proof.user_claim,
            origin=origin,
        ), told

    def _set(self, issuer: str, jwks: str) -> tuple[str, Told]:
        return self._sets.of(issuer, (jwks,), lambda: public_jwks(issuer, jwks))

    def refused(self, proofs: Proofs) -> Refused:
        causes = (proofs.revoked_tokens, proofs.barred_users, proofs.renewed_users)
        return self._refused.of(None, causes, lambda: _refused(proofs))


def _refused(proofs: Proofs) -> Refused:
    return Refused(
        tokens=proofs.revoked_tokens,
        callers=frozenset(proofs.barred_users),
        before=tuple(sorted(proofs.renewed_users.items())),
    )


def key_shard(digits: str, keys: Iterable[ApiKeyProof]) -> tuple[KeyShard, Told]:
    """A key that names two users proves neither of them."""
    by_key: dict[str, list[ApiKeyProof]] = defaultdict(list)
    problems: list[Diagnostic] = []
    for each in keys:
        if shard_of(each.key) != digits or not SEPARATORS.isdisjoint(f"{each.user}{each.key_id}"):
            problems.append(_left_out(each, "its text or its name is not of the form that nodes look for"))
        else:
            by_key[each.key].append(each)
    for key, proofs in by_key.items():
        if len({each.user for each in proofs}) > 1:
            problems += [_left_out(each, "another user has the same one") for each in proofs]
            by_key[key] = []
    kept = [min(proofs, key=lambda each: each.key_id) for proofs in by_key.values() if proofs]
    holders = tuple(_holder(each) for each in sorted(kept, key=lambda each: (each.user, each.key_id)))
    return KeyShard(prefix=API_KEY_PREFIX + digits, holders=holders), tuple(problems)


def _holder(proof: ApiKeyProof) -> KeyHolder:
    routes = None if proof.apis is None else tuple(name for name in proof.apis if SEPARATORS.isdisjoint(name))
    return KeyHolder(caller=proof.user, key=proof.key, name=proof.key_id, routes=routes)


def _left_out(proof: ApiKeyProof, why: str) -> Diagnostic:
    return Diagnostic(
        code="key-left-out",
        message=f"API key {proof.key_id} of {proof.user} opens nothing: {why}",
        origin=NOWHERE,
        hint="revoke it and make a new one",
    )


def public_jwks(issuer: str, text: str) -> tuple[str, Told]:
    """Only public keys may check tokens: a symmetric one would let every reader of the set sign."""
    try:
        keys = list(json.loads(text)["keys"])
    except (ValueError, KeyError, TypeError) as error:
        return NO_KEYS, (_bad_set(issuer, f"cannot be read: {error!r}; every token of theirs is refused"),)
    public = [key for key in keys if _is_public(key)]
    problems = (_bad_set(issuer, "holds a key that is not public; it is ignored"),) * (len(public) < len(keys))
    return json.dumps({"keys": public}, sort_keys=True, separators=(",", ":")), problems


def _is_public(key: object) -> bool:
    return isinstance(key, dict) and key.get("kty") in ("RSA", "EC", "OKP") and "d" not in key


def _bad_set(issuer: str, message: str) -> Diagnostic:
    return Diagnostic(
        code="key-set",
        message=f"the key set of {issuer} {message}",
        origin=NOWHERE,
        hint="look at what the issuer publishes as its key set",
    )
