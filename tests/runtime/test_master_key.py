import sys
from pathlib import Path

import pytest

from stationmaster.core.problem import PlatformError
from stationmaster.runtime.master_key import COMMAND_VARIABLE, KEY_VARIABLE, MasterKeySource, Origin, new_key, written

SECRET = b"a signing key"


@pytest.fixture
def source(tmp_path: Path) -> MasterKeySource:
    return MasterKeySource(tmp_path / "master.key")


def refusal(source: MasterKeySource) -> PlatformError:
    with pytest.raises(PlatformError) as refused:
        source.load()
    assert refused.value.hint
    return refused.value


def program(tmp_path: Path, body: str) -> str:
    path = tmp_path / "give the key.py"
    path.write_text(body)
    return f"{sys.executable} '{path}'"


def test_the_environment_goes_before_the_file_and_makes_none(
    source: MasterKeySource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, written(new_key()))
    cipher = source.load_or_make()
    assert (source.origin, source.name) == (Origin.ENVIRONMENT, KEY_VARIABLE)
    assert not source.path.exists()
    assert source.load().open(cipher.seal(SECRET, "a"), "a") == SECRET


def test_a_second_key_in_the_environment_opens_what_it_sealed_and_seals_nothing(
    source: MasterKeySource, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = new_key(), new_key()
    monkeypatch.setenv(KEY_VARIABLE, written(old))
    sealed = source.load().seal(SECRET, "a")
    monkeypatch.setenv(KEY_VARIABLE, f"{written(new).strip()} {written(old).strip()}")
    both = source.load()
    assert both.open(sealed, "a") == SECRET
    monkeypatch.setenv(KEY_VARIABLE, written(new))
    assert source.load().open(both.seal(SECRET, "a"), "a") == SECRET
    with pytest.raises(PlatformError) as refused:
        source.add_key()
    assert (refused.value.code, KEY_VARIABLE in refused.value.message) == ("master-key-elsewhere", True)


def test_a_command_gives_the_key_without_a_shell(
    source: MasterKeySource, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = written(new_key()).strip()
    monkeypatch.setenv(COMMAND_VARIABLE, program(tmp_path, f"import sys; print({text!r}); assert sys.argv[1:] == []"))
    assert source.origin is Origin.COMMAND
    sealed = source.load().seal(SECRET, "a")
    assert source.load().open(sealed, "a") == SECRET
    monkeypatch.setenv(COMMAND_VARIABLE, f"/bin/echo {text} ; touch {tmp_path}/made-by-a-shell")
    assert refusal(source).code == "master-key-malformed"
    assert not (tmp_path / "made-by-a-shell").exists()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("print('stationmaster-master-key-1:SECRET'); raise SystemExit(3)", "status 3"),
        ("print('SECRET')", "holds no master key"),
        ("print('SECRET' * 100_000)", "holds no master key"),
        ("import time; print('SECRET', flush=True); time.sleep(60)", "takes more than"),
    ],
)
def test_a_command_that_fails_is_told_without_what_it_printed(
    source: MasterKeySource, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, body: str, said: str
) -> None:
    monkeypatch.setattr("stationmaster.runtime.master_key._COMMAND_LIMIT_S", 0.5 if "sleep" in body else 10.0)
    monkeypatch.setenv(COMMAND_VARIABLE, program(tmp_path, body))
    error = refusal(source)
    assert said in error.message
    assert "SECRET" not in f"{error.message} {error.hint} {error.__cause__} {error.__context__!r}"


@pytest.mark.parametrize("command", ["/no/such/program", "'unclosed", " "])
def test_a_command_that_is_none_is_told(source: MasterKeySource, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv(COMMAND_VARIABLE, command)
    assert refusal(source).code == "master-key-command"


def test_a_new_key_stands_before_the_old_one_until_that_is_dropped(source: MasterKeySource) -> None:
    first = source.load_or_make()
    sealed = first.seal(SECRET, "a")
    source.add_key()
    both = source.load()
    assert both.older == (first.key_id,)
    assert both.open(sealed, "a") == SECRET
    assert source.path.stat().st_mode & 0o777 == 0o600
    source.drop_older()
    only = source.load()
    assert (only.key_id, only.older) == (both.key_id, ())
    with pytest.raises(PlatformError) as refused:
        only.open(sealed, "a")
    assert refused.value.code == "sealed-other-key"
