"""A plan says before anything runs what cannot run on this machine."""

from pathlib import Path

import pytest

from stationmaster.runbooks.alone import plan_alone
from stationmaster.runbooks.lacking.plan import surveyed
from tests.runbooks.people import request


def refusal(command: str, folder: Path, **env: str) -> str:
    text = f"# T\n\n## Steps\n\n1. Do it.\n   ```bash\n   {command}\n   ```\n"
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    for name in ("kubectl", "echo"):
        (programs / name).write_text("#!/bin/sh\n", "utf-8")
        (programs / name).chmod(0o755)
    return (
        surveyed(plan_alone(request(text, folder)), {"PATH": str(programs), "HOME": str(folder), **env})
        .steps[0]
        .refusal
    )


def test_a_program_that_is_not_there_is_told_before(tmp_path: Path) -> None:
    assert refusal("helm list", tmp_path) == "not runnable here: helm not found on PATH"
    assert refusal("echo well", tmp_path) == ""


@pytest.mark.parametrize("command", ["kubectl get pods", "kubectl rollout restart deploy/web"])
def test_a_cluster_that_nobody_has_configured_is_told_before(command: str, tmp_path: Path) -> None:
    assert refusal(command, tmp_path) == "not runnable here: no Kubernetes cluster is configured"
    assert refusal(command, tmp_path, KUBECONFIG="/etc/kube") == ""
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube" / "config").write_text("{}", "utf-8")
    assert refusal(command, tmp_path) == ""


def test_a_command_that_names_its_cluster_is_not_doubted(tmp_path: Path) -> None:
    assert refusal("kubectl --context prod get pods", tmp_path) == ""
    assert refusal("kubectl config use-context prod", tmp_path) == ""
