"""Talks to the control plane of the platform whose state folder is given."""

import os
import weakref
from collections.abc import Generator, Mapping
from typing import Any, BinaryIO, Self, TypeVar

import httpx
import msgspec

from stationmaster.api.wire_catalog import Located, ProblemList
from stationmaster.cli.near import with_suggestion
from stationmaster.cli.session import TOKEN_VARIABLE, URL_VARIABLE, asked_url, given_token, session_of
from stationmaster.config import StateDir
from stationmaster.core.problem import Diagnostic, InvalidInputError, Origin, PlatformError, Severity

T = TypeVar("T")

_LIMIT_S = 15.0


class ControlClient:
    """The control plane that `--url` names, with the session of `login`; else that of the state folder, with its token;
    else, where no platform was ever run from that folder, the one of the last login. `local_only` stays with the
    state folder: a platform that is stopped must not be somebody else's."""

    def __init__(self, state: StateDir, *, limit_s: float = _LIMIT_S, local_only: bool = False) -> None:
        self._connect(*(_local(state) if local_only else _address(state)), limit_s)

    @classmethod
    def at(cls, url: str, token: str, *, limit_s: float = _LIMIT_S) -> Self:
        """With a token at hand, or none where it is empty."""
        made = cls.__new__(cls)
        made._connect(url, token, limit_s)
        return made

    def _connect(self, url: str, token: str, limit_s: float) -> None:
        # Proxy settings of the environment would hand the token to somebody else.
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=limit_s, trust_env=False)
        weakref.finalize(self, self._http.close)

    def get(self, path: str, kind: type[T], /, **query: str) -> T:
        return self.send("GET", path, kind, params=query)

    def post(self, path: str, body: msgspec.Struct, kind: type[T], /, **query: str) -> T:
        return self.send("POST", path, kind, params=query, content=msgspec.json.encode(body))

    def put(self, path: str, body: msgspec.Struct, kind: type[T]) -> T:
        return self.send("PUT", path, kind, content=msgspec.json.encode(body))

    def patch(self, path: str, changes: Mapping[str, Any], kind: type[T]) -> T:
        """By a JSON merge patch (RFC 7396): null takes a field away."""
        return self.send("PATCH", path, kind, content=msgspec.json.encode(changes))

    def delete(self, path: str) -> None:
        self._answer("DELETE", path)

    def read(self, path: str, kind: type[T]) -> tuple[T, str]:
        """What stands there, and its ETag."""
        answer = self._answer("GET", path)
        return msgspec.json.decode(answer.content, type=kind), answer.headers.get("etag", "")

    def text(self, path: str) -> str:
        return self._answer("GET", path).text

    def download(self, path: str, out: BinaryIO, /, **query: str) -> None:
        """Writes what stands there, whatever its size."""
        try:
            with self._http.stream("GET", path, params=query) as answer:
                if not answer.is_success:
                    answer.read()
                    raise with_suggestion(_refusal(answer), path, self._look)
                out.writelines(answer.iter_bytes())
        except httpx.TransportError as error:
            raise not_running(f"it does not answer at {self._http.base_url}: {error}") from error

    def stream(self, path: str, /, **query: str) -> Generator[str, None, None]:
        """What is written there, as it comes, until the control plane ends it."""
        try:
            with self._http.stream("GET", path, params=query, timeout=None) as answer:
                if not answer.is_success:
                    answer.read()
                    raise _refusal(answer)
                yield from answer.iter_text()
        except httpx.TransportError as error:
            raise not_running(f"it does not answer at {self._http.base_url}: {error}") from error

    def send(self, method: str, path: str, kind: type[T], **sent: Any) -> T:
        """`sent` as of `httpx.Client.request`: params, content, headers, timeout (seconds)."""
        return msgspec.json.decode(self._answer(method, path, **sent).content, type=kind)

    def _answer(self, method: str, path: str, **sent: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **sent)
        except httpx.TransportError as error:
            raise not_running(f"it does not answer at {self._http.base_url}: {error}") from error
        if not answer.is_success:
            raise with_suggestion(_refusal(answer), path, self._look)
        return answer

    def _look(self, path: str) -> Any:
        """What stands there, or the refusal; None where no list of names can be had."""
        try:
            answer = self._http.get(path)
            return msgspec.json.decode(answer.content) if answer.is_success else _refusal(answer)
        except (httpx.TransportError, msgspec.DecodeError):
            return None


def not_running(detail: str) -> PlatformError:
    return PlatformError(
        "control-plane-away",
        f"the control plane is not running here ({detail})",
        hint="start it with `stationmaster up`, or name its state folder with --state",
        status=503,
    )


def _address(state: StateDir) -> tuple[str, str]:
    named = asked_url()
    if token := given_token():
        if named is None:
            text, hint = f"{TOKEN_VARIABLE} is set, but no control plane is named", f"set {URL_VARIABLE} as well"
            raise PlatformError("no-url", text, hint=hint)
        return named, token
    session = session_of(named)
    if named is not None and session is None:
        hint = f"`stationmaster login --url {named}` begins one"
        raise PlatformError("not-logged-in", f"there is no session at {named}", hint=hint, status=401)
    if session is not None and (named is not None or not _is_ours(state)):
        return session.url, session.token
    return _local(state)


def _is_ours(state: StateDir) -> bool:
    """Whether a platform was ever run from here by somebody whose files we may read."""
    return state.root.is_dir() and (os.access(state.admin_token, os.R_OK) or os.access(state.root, os.W_OK))


def _local(state: StateDir) -> tuple[str, str]:
    try:
        return state.control_url.read_text("utf-8").strip(), state.admin_token.read_text("utf-8").strip()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise not_running(f"no {error.filename}") from error
    except PermissionError as error:
        raise PlatformError(
            "state-unreadable", f"{error.filename} may not be read by you", hint="run as the user who ran `up`"
        ) from error


def _refusal(answer: httpx.Response) -> PlatformError:
    try:
        problem = msgspec.json.decode(answer.content, type=ProblemList)
    except msgspec.DecodeError:
        return _query_refusal(answer)
    if not problem.problems:
        return PlatformError(problem.code, problem.detail, hint=problem.hint, status=problem.status)
    error = InvalidInputError(tuple(map(diagnostic, problem.problems)), what="")
    error.code, error.message, error.hint, error.status = problem.code, problem.detail, problem.hint, problem.status
    return error


class _QueryFailure(msgspec.Struct, rename="camel"):
    """How Prometheus' HTTP API refuses."""

    error_type: str
    error: str


def _query_refusal(answer: httpx.Response) -> PlatformError:
    try:
        failure = msgspec.json.decode(answer.content, type=_QueryFailure)
    except msgspec.DecodeError:
        return PlatformError("bad-answer", f"the control plane answered {answer.status_code}", status=502)
    message, _, hint = failure.error.partition("\nhint: ")
    return PlatformError(failure.error_type.replace("_", "-"), message, hint=hint, status=answer.status_code)


def diagnostic(each: Located) -> Diagnostic:
    return Diagnostic(
        code=each.code,
        message=each.message,
        origin=Origin(file=each.file, line=each.line, column=each.column, path=each.path),
        hint=each.hint,
        severity=Severity(each.severity),
    )
