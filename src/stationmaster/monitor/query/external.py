"""Queries answered by a Prometheus of the users', over its HTTP API."""

import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from stationmaster.core.monitoring import ExternalPrometheus
from stationmaster.monitor.promql.engine import LOOKBACK_MS
from stationmaster.monitor.promql.results import Fault, QueryError, QueryLimits, Result
from stationmaster.monitor.promql.samples import Labels
from stationmaster.monitor.query.external_answers import BuildThere, DescribedThere, Reply, labels_of, result_of
from stationmaster.monitor.query.numbers import seconds
from stationmaster.monitor.query.queries import TERMS, Build, Described, Steps, Terms, Window
from stationmaster.monitor.query.versions import Version, missing, version_of

T = TypeVar("T")

_BODY_LIMIT: Final = 256_000_000
_PAUSES_S: Final = (0.2, 0.6)
"""Before each further try where the server is overloaded or just starting."""
_VERSION_HOLDS_S: Final = 300.0
_TRANSFER_S: Final = 1.0
"""What is added to a query's own limit for its way there and back."""
_FAULTS: Final = {
    "bad_data": Fault.BAD_DATA,
    "execution": Fault.EXECUTION,
    "timeout": Fault.TIMEOUT,
    "canceled": Fault.TIMEOUT,
}


class ExternalQueries:
    """Raises QueryError that names the server where it is away, refuses, or answers what is no answer.

    The token file is read for every request: a token may be exchanged at any time.
    """

    def __init__(self, server: ExternalPrometheus, *, transport: httpx.BaseTransport | None = None) -> None:
        declared = httpx.URL(server.url.rstrip("/") + "/")
        self._url = declared.copy_with(username=None, password=None)
        self._token_file = server.token_file
        by_url = bool(declared.userinfo) and server.token_file is None
        self._http = httpx.Client(
            base_url=self._url,
            auth=(declared.username, declared.password) if by_url else None,
            transport=transport,
            verify=ssl.create_default_context(),
            trust_env=False,
        )
        self._version: tuple[float, Version | None] | None = None
        self._probing = threading.Lock()

    @property
    def shown_url(self) -> str:
        """Without a password."""
        return str(self._url).rstrip("/")

    def instant(self, query: str, at_ms: int, terms: Terms = TERMS) -> Result:
        return self._result("query", {"query": query, "time": seconds(at_ms)}, terms)

    def over(self, query: str, steps: Steps, terms: Terms = TERMS) -> Result:
        asked = {"start": seconds(steps.first_ms), "end": seconds(steps.last_ms), "step": seconds(steps.step_ms)}
        return self._result("query_range", {"query": query, **asked}, terms)

    def series(self, selectors: Sequence[str], window: Window) -> Sequence[Labels]:
        found = self._data("series", _asked(selectors, window), list[dict[str, str]])
        return sorted(map(labels_of, found))

    def label_names(self, selectors: Sequence[str], window: Window) -> Sequence[str]:
        return self._data("labels", _asked(selectors, window), list[str])

    def label_values(self, name: str, selectors: Sequence[str], window: Window) -> Sequence[str]:
        return self._data(f"label/{quote(name, safe='')}/values", _asked(selectors, window), list[str], "GET")

    def metadata(self, metric: str = "") -> Mapping[str, Sequence[Described]]:
        asked = {"metric": metric} if metric else {}
        found = self._data("metadata", asked, dict[str, list[DescribedThere]], "GET")
        return {
            name: [Described(kind=each.type, help=each.help, unit=each.unit) for each in told]
            for name, told in sorted(found.items())
        }

    def build(self) -> Build:
        there = self._data("status/buildinfo", {}, BuildThere, "GET")
        return Build(
            version=there.version,
            revision=there.revision,
            branch=there.branch,
            user=there.build_user,
            date=there.build_date,
            runtime=there.go_version,
        )

    def close(self) -> None:
        self._http.close()

    def _result(self, path: str, asked: Mapping[str, str], terms: Terms) -> Result:
        version = self._known_version()
        refusal = None if version is None else missing(asked["query"], version)
        if refusal is not None:
            raise QueryError(refusal.fault, f"{self.shown_url}: {refusal.message}", hint=refusal.hint)
        timeout = {"timeout": f"{terms.limits.timeout_ms}ms"}
        lookback = {} if terms.lookback_ms == LOOKBACK_MS else {"lookback_delta": seconds(terms.lookback_ms)}
        reply = self._ask(path, {**asked, **timeout, **lookback}, terms.limits, "POST")
        try:
            return result_of(reply)
        except (msgspec.DecodeError, ValueError) as error:
            raise self._odd(f"an answer that cannot be read: {error}") from error

    def _known_version(self) -> Version | None:
        """Probed once, and again after some time: a server may be exchanged for a newer one."""
        with self._probing:
            now = time.monotonic()
            if self._version is None or now - self._version[0] > _VERSION_HOLDS_S:
                self._version = (now, self._probed())
            return self._version[1]

    def _probed(self) -> Version | None:
        """None also where a program that speaks the API has no such page."""
        try:
            return version_of(self.build().version)
        except QueryError as error:
            if error.fault is Fault.EXECUTION:
                return None
            raise

    def _data(self, path: str, asked: Mapping[str, Any], kind: type[T], method: str = "POST") -> T:
        reply = self._ask(path, asked, TERMS.limits, method)
        try:
            return msgspec.json.decode(reply.data, type=kind)
        except msgspec.DecodeError as error:
            raise self._odd(f"an answer that cannot be read: {error}") from error

    def _ask(self, path: str, asked: Mapping[str, Any], limits: QueryLimits, method: str) -> Reply:
        """Asks again where the server says 503 or takes no connection, as long as the time allows."""
        deadline = time.monotonic() + limits.timeout_ms / 1000 + _TRANSFER_S
        for pause_s in _PAUSES_S:
            try:
                return self._reply(path, asked, deadline, method)
            except QueryError as error:
                if error.fault is not Fault.UNAVAILABLE or time.monotonic() + pause_s > deadline:
                    raise
            time.sleep(pause_s)
        return self._reply(path, asked, deadline, method)

    def _reply(self, path: str, asked: Mapping[str, Any], deadline: float, method: str) -> Reply:
        sent = {"data": asked} if method == "POST" else {"params": asked}
        try:
            with self._http.stream(
                method,
                f"api/v1/{path}",
                headers=self._headers(),
                timeout=max(0.001, deadline - time.monotonic()),
                **sent,  # type: ignore[arg-type]
            ) as answer:
                return self._read(answer, deadline)
        except httpx.TimeoutException as error:
            raise self._late() from error
        except httpx.HTTPError as error:
            hint = "see that it runs, and that `monitoring.prometheus.url` is right"
            raise QueryError(Fault.UNAVAILABLE, f"{self.shown_url} does not answer: {error}", hint=hint) from error

    def _read(self, answer: httpx.Response, deadline: float) -> Reply:
        body = bytearray()
        for chunk in answer.iter_bytes():
            body += chunk
            if len(body) > _BODY_LIMIT:
                raise self._odd(f"more than {_BODY_LIMIT:,} bytes", hint="ask for fewer series or steps")
            if time.monotonic() > deadline:
                raise self._late()
        try:
            reply = msgspec.json.decode(body, type=Reply)
        except msgspec.DecodeError as error:
            raise self._no_api(answer) from error
        if reply.status == "success":
            return reply
        fault = _FAULTS.get(reply.errorType, Fault.UNAVAILABLE if answer.status_code >= 500 else Fault.EXECUTION)
        raise QueryError(fault, f"{self.shown_url}: {reply.error}")

    def _no_api(self, answer: httpx.Response) -> QueryError:
        """Something else answered: a proxy, a login page, a server that starts."""
        status = answer.status_code
        fault = Fault.UNAVAILABLE if status >= 500 else Fault.EXECUTION
        hints = {
            401: "`monitoring.prometheus.token-file` names the file of the token that it wants",
            403: "its token may not ask for queries",
            404: "the URL is that of the server itself, without /api/v1; a path before it belongs to it",
        }
        hint = hints.get(status, "see what listens at this URL")
        if answer.is_redirect:
            hint = f"it sends on to {answer.headers.get('location', '')}: write that as the URL"
        return QueryError(fault, f"{self.shown_url} answers {status} {answer.reason_phrase}", hint=hint)

    def _odd(self, what: str, *, hint: str = "see what listens at this URL") -> QueryError:
        return QueryError(Fault.EXECUTION, f"{self.shown_url} sent {what}", hint=hint)

    def _late(self) -> QueryError:
        hint = "ask for less, or set a longer timeout"
        return QueryError(Fault.TIMEOUT, f"{self.shown_url} did not answer in time", hint=hint)

    def _headers(self) -> dict[str, str]:
        return {} if self._token_file is None else {"authorization": f"Bearer {_token(self._token_file)}"}


def _token(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        hint = "see `monitoring.prometheus.token-file`"
        raise QueryError(Fault.UNAVAILABLE, f"the token file {path} cannot be read: {error}", hint=hint) from error


def _asked(selectors: Sequence[str], window: Window) -> dict[str, Any]:
    """The far ends are left away: they mean all there is."""
    whole = Window()
    asked: dict[str, Any] = {"match[]": list(selectors)} if selectors else {}
    if window.first_ms != whole.first_ms:
        asked["start"] = seconds(window.first_ms)
    if window.last_ms != whole.last_ms:
        asked["end"] = seconds(window.last_ms)
    return asked
