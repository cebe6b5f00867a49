"""Lays faults that are injected for a while over what is declared, and over what nodes are given beside that."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from stationmaster.core.policy import Fault
from stationmaster.core.proofs import Proofs
from stationmaster.core.spec import PlatformSpec
from stationmaster.gateway.ir_policy import Certificate

NONE: Mapping[str, Fault] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """What nodes are given on purpose in place of what is right; None: nothing is wrong with it."""

    certificate: Certificate | None = None
    jwks: str | None = None


NOTHING_WRONG = Wrong()


@dataclass(slots=True)
class Swapped:
    """The same object for the same proofs and key set: what did not change is planned once."""

    _of: tuple[Proofs, str] | None = None
    _made: Proofs | None = field(default=None)

    def __call__(self, proofs: Proofs, jwks: str | None) -> Proofs:
        if jwks is None:
            return proofs
        if self._made is None or self._of is None or self._of[0] is not proofs or self._of[1] != jwks:
            self._of, self._made = (proofs, jwks), replace(proofs, jwks=jwks)
        return self._made


@dataclass(slots=True)
class Overlaid:
    """The same object for the same declaration and faults: what did not change is planned once."""

    _of: tuple[PlatformSpec, Mapping[str, Fault]] | None = None
    _made: PlatformSpec | None = field(default=None)

    def __call__(self, spec: PlatformSpec, faults: Mapping[str, Fault]) -> PlatformSpec:
        if not faults:
            return spec
        if self._made is None or self._of is None or self._of[0] is not spec or self._of[1] is not faults:
            self._of, self._made = (spec, faults), _overlaid(spec, faults)
        return self._made


def _overlaid(spec: PlatformSpec, faults: Mapping[str, Fault]) -> PlatformSpec:
    apis = tuple(
        replace(api, policies=replace(api.policies, fault=faults[api.name])) if api.name in faults else api
        for api in spec.apis
    )
    return replace(spec, apis=apis)
