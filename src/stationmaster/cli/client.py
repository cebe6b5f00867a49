"""Talks to the control plane of the platform whose state folder is given."""

from collections.abc import Mapping
from typing import Any, TypeVar

import httpx
import msgspec

from stationmaster.api.wire import Problem
from stationmaster.config import StateDir
from stationmaster.core.problem import PlatformError

T = TypeVar("T")

_LIMIT_S = 15.0


class ControlClient:
    def __init__(self, state: StateDir) -> None:
        url, token = _address(state)
        # Proxy settings of the environment would hand the token to somebody else.
        self._http = httpx.Client(
            base_url=url, headers={"authorization": f"Bearer {token}"}, timeout=_LIMIT_S, trust_env=False
        )

    def get(self, path: str, kind: type[T], **query: str) -> T:
        return self._ask("GET", path, kind, params=query)

    def post(self, path: str, body: msgspec.Struct, kind: type[T]) -> T:
        return self._ask("POST", path, kind, content=msgspec.json.encode(body))

    def _ask(
        self,
        method: str,
        path: str,
        kind: type[T],
        *,
        params: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> T:
        try:
            answer = self._http.request(method, path, params=params, content=content)
        except httpx.TransportError as error:
            raise not_running(f"it does not answer at {self._http.base_url}: {error}") from error
        if answer.is_success:
            return msgspec.json.decode(answer.content, type=kind)
        raise _refusal(answer)


def not_running(detail: str) -> PlatformError:
    return PlatformError(
        "control-plane-away",
        f"the control plane is not running here ({detail})",
        hint="start it with `stationmaster up`, or name its state folder with --state",
        status=503,
    )


def _address(state: StateDir) -> tuple[str, str]:
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
        problem: Any = msgspec.json.decode(answer.content, type=Problem)
    except msgspec.DecodeError:
        return PlatformError("bad-answer", f"the control plane answered {answer.status_code}", status=502)
    return PlatformError(problem.code, problem.detail, hint=problem.hint, status=problem.status)
