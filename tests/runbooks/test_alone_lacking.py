"""A run tells what it could not look at, asks nobody for what could not be done, and has found nothing well."""

import os
from pathlib import Path

from stationmaster.runbooks.run import Outcome
from tests.runbooks.people import Person, listed, run

NO_CLUSTER = (
    "echo 'The connection to the server k8s:6443 was refused - did you specify the right host or port?' >&2; exit 1"
)
LACK = "no Kubernetes cluster answers at k8s:6443"


def kubectl(folder: Path, does: str) -> dict[str, str]:
    """An environment whose kubectl does that, and keeps what it was asked."""
    programs = folder / "programs"
    programs.mkdir()
    program = programs / "kubectl"
    program.write_text(f'#!/bin/sh\n[ "$1" = version ] || echo "$@" >> {folder}/asked\n{does}\n', "utf-8")
    program.chmod(0o755)
    return {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}


async def test_without_a_cluster_nothing_is_asked_and_nothing_is_well(tmp_path: Path) -> None:
    person = Person()
    text = listed("kubectl get pods", "kubectl rollout restart deploy/web")
    finished = await run(text, tmp_path, person, env=kubectl(tmp_path, NO_CLUSTER))
    assert person.verdicts() == {"1": "refused", "2": "refused"}
    assert person.ended("2").why == f"not runnable here: {LACK}"
    assert person.requests == []
    kept = tmp_path / "asked"
    assert not kept.exists() or "rollout" not in kept.read_text("utf-8"), "the change was made"
    assert finished.outcome is Outcome.ESCALATED
    assert finished.why == (
        f"nothing could be looked at here; could not look at: `kubectl get pods` ({LACK}); "
        f"could not do: `kubectl rollout restart deploy/web` ({LACK})"
    )


async def test_with_a_cluster_the_change_is_asked_for_and_made_once(tmp_path: Path) -> None:
    person = Person()
    text = listed("kubectl rollout restart deploy/web")
    finished = await run(text, tmp_path, person, env=kubectl(tmp_path, "exit 0"))
    assert person.verdicts() == {"1": "passed"}
    assert len(person.requests) == 1
    assert (tmp_path / "asked").read_text("utf-8") == "rollout restart deploy/web\n"
    assert finished.outcome is Outcome.PASSED


async def test_what_was_seen_counts_beside_what_could_not_be_looked_at(tmp_path: Path) -> None:
    person = Person()
    text = listed("true", "kubectl get pods")
    finished = await run(text, tmp_path, person, env=kubectl(tmp_path, NO_CLUSTER))
    assert finished.outcome is Outcome.PASSED
    assert finished.why.endswith(f"could not look at: `kubectl get pods` ({LACK})")
