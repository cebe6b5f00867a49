"""The rules about the platform's own state: its room on the disk, and the certificates that its entrances show."""

from typing import Final

from stationmaster.core.problem import Origin
from stationmaster.core.rules import AlertingRule, RuleGroup

STORE_FULL: Final = "StoreFull"
CERTIFICATE_EXPIRED: Final = "CertificateExpired"
FULLNESS_METRIC: Final = "stationmaster_state_fullness"
"""1 is full: of what the state folder may take, or of its disk, whichever is nearer."""
_FULL: Final = 0.9
_INTERVAL_MS: Final = 5_000
_ORIGIN: Final = Origin(file="stationmaster/own", line=0)

_STORE_FULL = AlertingRule(
    name=STORE_FULL,
    expr=f"{FULLNESS_METRIC} > {_FULL}",
    labels={"severity": "critical", "service": "control", "instance": ""},
    annotations={
        "summary": "The state folder of {{ $externalLabels.environment }} is {{ $value | humanizePercentage }} full",
        "description": "What the state folder may take is used up, or its disk is. When it is full nothing new can be "
        "written: no change, no credential, no fact.",
    },
    origin=_ORIGIN,
)

_CERTIFICATE_EXPIRED = AlertingRule(
    name=CERTIFICATE_EXPIRED,
    expr='probe_ssl_earliest_cert_expiry{service="gateway"} - time() <= 0',
    labels={"severity": "critical"},
    annotations={
        "summary": "The TLS certificate of gateway node {{ $labels.node }} in {{ $labels.environment }} has expired",
        "description": "It was valid until {{ $value | humanizeDuration }} from now: clients that check certificates "
        "refuse to connect.",
    },
    origin=_ORIGIN,
)

OWN_RULES: Final = RuleGroup(
    name="own",
    file="stationmaster",
    rules=(_STORE_FULL, _CERTIFICATE_EXPIRED),
    interval_ms=_INTERVAL_MS,
    origin=_ORIGIN,
)
