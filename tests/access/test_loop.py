import time
from pathlib import Path

import pytest

from stationmaster.access.loop import ADMIN, file_token
from stationmaster.access.roles import Caller, Role, permits
from stationmaster.config import StateDir
from stationmaster.core.problem import PlatformError
from tests.access.conftest import PHRASE, Room


async def test_the_first_start_makes_an_administrator_whose_password_is_told_once(room: Room) -> None:
    assert len(room.first_password) >= 20
    begun = await room.access.login(ADMIN, room.first_password, "")
    assert begun.caller == Caller(name=ADMIN, role=Role.ADMIN)  # type: ignore[union-attr]
    assert (await room.restarted().started()).first_password == ""
    created = (await room.audit())[0]
    assert (created.action, created.kind, created.name) == ("create", "person", ADMIN)
    assert room.first_password not in repr(await room.audit())


async def test_the_password_is_never_logged(room: Room, capfd: pytest.CaptureFixture[str]) -> None:
    captured = capfd.readouterr()
    assert room.first_password not in captured.out + captured.err


async def test_the_command_line_and_the_doctor_have_tokens_in_private_files(room: Room, state: StateDir) -> None:
    for path, name, role in (
        (state.admin_token, ADMIN, Role.ADMIN),
        (state.doctor_token, "doctor", Role.VIEWER),
    ):
        token = path.read_text("utf-8").strip()
        assert path.stat().st_mode & 0o777 == 0o600
        assert room.access.authenticate(token) == Caller(name=name, role=role)
        again = await room.restarted().started()
        assert again.access.authenticate(token) == Caller(name=name, role=role)


@pytest.mark.parametrize(("content", "mode"), [("", 0o600), ("short\n", 0o600), ("x" * 43, 0o644), ("x" * 43, 0o660)])
def test_a_token_file_that_is_none_or_was_open_to_others_is_replaced(tmp_path: Path, content: str, mode: int) -> None:
    path = tmp_path / "admin.token"
    path.write_text(content)
    path.chmod(mode)
    token = file_token(path)
    assert token not in ("", content.strip())
    assert path.read_text().strip() == token == file_token(path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_token_file_that_cannot_be_made_is_a_refusal_with_a_hint(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PlatformError) as refused:
        file_token(tmp_path / "file" / "admin.token")
    assert refused.value.code == "token-file-unusable"
    assert refused.value.hint


async def test_who_was_there_before_the_start_of_the_room_proves_nothing(room: Room) -> None:
    _row, token = await room.access.machines.create("ci", Role.VIEWER, None, by=ADMIN)
    assert room.restarted().access.authenticate(token) is None


async def test_a_request_is_recognised_in_microseconds_among_thousands_of_sessions(room: Room) -> None:
    await room.access.people.create("ada", Role.VIEWER, PHRASE, by=ADMIN)
    begun = [await room.access.login("ada", PHRASE, f"198.51.100.{number}") for number in range(50)]
    token = begun[-1].token  # type: ignore[union-attr]
    started = time.perf_counter()
    for _ in range(2000):
        assert room.access.authenticate(token)
        assert room.access.authenticate("stms_unknown") is None
    assert (time.perf_counter() - started) / 4000 < 0.0005, "argon2 or the store is asked for every request"


@pytest.mark.parametrize("has", list(Role))
@pytest.mark.parametrize("needed", list(Role))
def test_a_role_permits_itself_and_what_comes_before_it(has: Role, needed: Role) -> None:
    order = [Role.VIEWER, Role.OPERATOR, Role.APPROVER, Role.ADMIN]
    assert permits(has, needed) is (order.index(has) >= order.index(needed))
