"""Says in a plan, before anything runs, which of its commands cannot run on this machine, as far as can be seen."""

import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePath

from stationmaster.core.command import NOT_RUNNABLE
from stationmaster.runbooks.lacking.table import PROBES
from stationmaster.runbooks.lacking.told import missing_program
from stationmaster.runbooks.plan.planned import Effect, Plan, PlannedStep
from stationmaster.runbooks.risk.classes import cells
from stationmaster.runbooks.shell.commands import parse


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sign:
    """What tells that the surroundings of programs are there: one of the variables, or one of the files."""

    programs: frozenset[str]
    variables: frozenset[str]
    files: tuple[str, ...]
    why: str


_SIGNS = (
    _Sign(
        programs=cells("kubectl oc helm"),
        variables=cells("KUBECONFIG KUBERNETES_SERVICE_HOST"),
        files=("~/.kube/config",),
        why="no Kubernetes cluster is configured",
    ),
    _Sign(
        programs=cells("docker docker-compose"),
        variables=cells("DOCKER_HOST DOCKER_CONTEXT"),
        files=("/var/run/docker.sock", "~/.docker/run/docker.sock"),
        why="there is no Docker engine",
    ),
    _Sign(
        programs=cells("systemctl"),
        variables=frozenset(),
        files=("/run/systemd/system",),
        why="this machine is not run by systemd",
    ),
)


def surveyed(plan: Plan, env: Mapping[str, str]) -> Plan:
    """Nothing is run. A step that could not be run is refused, so that it is seen before and nobody is asked."""
    found = partial(shutil.which, path=env.get("PATH", os.defpath))
    return replace(plan, steps=tuple(_surveyed(step, env, found) for step in plan.steps))


def _surveyed(step: PlannedStep, env: Mapping[str, str], found: Callable[[str], object]) -> PlannedStep:
    if step.effect is not Effect.COMMAND or step.refusal or step.acts is not None:
        return step
    why = missing_program(step.script, found) or _unsurrounded(step.script, env)
    return replace(step, refusal=why) if why else step


def _unsurrounded(text: str, env: Mapping[str, str]) -> str:
    for command in parse(text).commands:
        words = [word.text for word in command.words]
        words = words[1:] if words[:1] == ["sudo"] else words
        program = PurePath(words[0]).name if words else ""
        for sign in _SIGNS:
            if program in sign.programs and not _is_there(sign, env) and not _says_itself(program, words[1:]):
                return f"{NOT_RUNNABLE}: {sign.why}"
    return ""


def _is_there(sign: _Sign, env: Mapping[str, str]) -> bool:
    home = env.get("HOME", "")
    files = (Path(each.replace("~", home, 1)) for each in sign.files if home or not each.startswith("~"))
    return any(env.get(each) for each in sign.variables) or any(each.exists() for each in files)


def _says_itself(program: str, words: Iterable[str]) -> bool:
    """Whether the command names its cluster or engine, or needs none."""
    own = frozenset[str]().union(*(each.carries | each.alone for each in PROBES if program in each.programs))
    return any(word.partition("=")[0] in own - {"-n", "--namespace"} for word in words)
