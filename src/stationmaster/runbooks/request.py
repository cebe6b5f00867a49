"""What somebody asks for who wants a runbook worked: the document, the values, the bounds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from stationmaster.core.facts import Alert
from stationmaster.runbooks.bind import Binding, InventoryView, bind
from stationmaster.runbooks.permit import Policy
from stationmaster.runbooks.read.document import Attributes, Runbook
from stationmaster.runbooks.read.parameters import plain_name
from stationmaster.runbooks.values import Sources, is_secret


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What is to be run, with what, by whom. `host` is what the run is about (an instance, a machine): one run of a
    runbook at a time for each of them. `only` and `from_step` are addresses of steps; `env` is the environment that
    commands get and that gives values."""

    runbook: Runbook
    cwd: Path
    requested_by: str
    host: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)
    """Contacts and links of the team by flat name, such as `links.grafana`."""
    inventory: InventoryView = field(default_factory=InventoryView)
    binding: Binding | None = None
    """The instance that an alert is about: a platform does in the document's stead what it can do there."""
    env: Mapping[str, str] = field(default_factory=dict)
    read_only: bool = False
    only: tuple[str, ...] = ()
    from_step: str = ""
    anew: bool = False
    """Whether an open run of the same runbook, on the same host, is given up for this one."""
    policy: Policy = field(default_factory=Policy)
    read_timeout_s: float = 60.0
    change_timeout_s: float = 600.0
    secret_names: frozenset[str] = frozenset()
    """Names of values that are never shown nor kept, beside those that the document and their names give away."""

    @property
    def subject(self) -> str:
        """What the run is about: as said, otherwise the alert's instance, otherwise nothing in particular."""
        return self.host or self.labels.get("instance", "")


def sources_of(request: RunRequest) -> Sources:
    """Everything that may give a value, the author's patterns included."""
    said = list(_attributes(request.runbook))
    patterns = [each.pattern.partition("=") for each in said if each.pattern]
    secrets = [name for each in said if each.secret for name in each.secret.split(",")]
    return Sources(
        given=request.values,
        labels=request.labels,
        inventory=_of_inventory(request),
        data=request.data,
        env=request.env,
        patterns={plain_name(name): regex for name, _, regex in patterns},
        secrets=frozenset(plain_name(name) for name in (*secrets, *request.secret_names)),
    )


def kept_request(request: RunRequest) -> dict[str, Any]:
    """What is journaled of a request: neither the environment nor anything secret."""
    sources = sources_of(request)
    return {
        "cwd": str(request.cwd),
        "requested_by": request.requested_by,
        "host": request.host,
        "values": {name: value for name, value in request.values.items() if not is_secret(plain_name(name), sources)},
        "labels": {name: value for name, value in request.labels.items() if not is_secret(plain_name(name), sources)},
        "read_only": request.read_only,
        "policy": msgspec.to_builtins(request.policy),
        "secret_names": sorted(sources.secrets),
    }


def request_again(
    kept: Mapping[str, Any], runbook: Runbook, *, env: Mapping[str, str], values: Mapping[str, str]
) -> RunRequest:
    """The request of a run that goes on, with the environment and the secrets of this moment."""
    return RunRequest(
        runbook=runbook,
        cwd=Path(kept.get("cwd", ".")),
        requested_by=kept.get("requested_by", ""),
        host=kept.get("host", ""),
        values={**kept.get("values", {}), **values},
        labels=kept.get("labels", {}),
        env=env,
        read_only=kept.get("read_only", False),
        policy=msgspec.convert(kept.get("policy", {}), Policy),
        secret_names=frozenset(kept.get("secret_names", ())),
    )


def _attributes(runbook: Runbook) -> Iterator[Attributes]:
    for step in runbook.walk():
        yield step.attributes


def _of_inventory(request: RunRequest) -> Mapping[str, str]:
    """What the inventory says of the instance that the labels name."""
    if not request.inventory.services:
        return {}
    labels = {**request.labels, **({"instance": request.host} if request.host else {})}
    alert = Alert(
        fingerprint="", labels=labels, summary="", url=labels.get("url", ""), starts_at=datetime.fromtimestamp(0, UTC)
    )
    bound = bind(alert, request.inventory)
    if not isinstance(bound, Binding):
        return {}
    return {name: value for name, value in bound.values.items() if name not in labels}
