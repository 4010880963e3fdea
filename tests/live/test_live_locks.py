"""However a sitting ends, the record's lock and the device's are free afterwards, and the next one goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import pytest
from small_bench import STOP

from runner.backends.emulator.hsm import EmulatedHsm
from runner.errors import ControlFault, StepFault, WrongUse
from runner.host.disk import Disk, LogFile

if TYPE_CHECKING:
    from small_bench import Answer, Bench

WAYS: dict[str, tuple[Answer, int, int]] = {
    "people stop": (STOP, 5, 130),
    "three wrong answers": ("nobody", 5, 130),
    "somebody declines": ("decline", 5, 5),
    "a refusal": (ControlFault("no", rule="QUO008"), 4, 4),
    "the disk fails": (StepFault("no", rule="RUN030"), 6, 6),
    "a second Ctrl-C": (KeyboardInterrupt(), 130, 130),
    "a defect": (ZeroDivisionError(), 70, 70),
}
"""What is answered, and the exit code: before the start, and in a step."""


QUICK = ("people stop", "somebody declines", "a defect")
"""Those that are always tried in a step, too."""


def require_free(small: Bench) -> None:
    """Take both locks, as another process would, and give them back."""
    with small.premises("room.environment.yaml"):
        pass
    if small.record.exists():
        LogFile.open(Disk(), small.record / "log.jsonl").close()


@pytest.mark.parametrize("way", WAYS)
def test_before_the_start(small: Bench, way: str) -> None:
    answer, code, _ = WAYS[way]
    said = small.run(answers={"to the min": answer, **small.answers()})
    assert said.code == code, said
    assert not small.record.exists()
    require_free(small)


@pytest.mark.parametrize("way", [way if way in QUICK else pytest.param(way, marks=pytest.mark.slow) for way in WAYS])
def test_in_a_step_of_the_first_sitting_and_of_the_next(small: Bench, way: str) -> None:
    answer, _, code = WAYS[way]
    answers = {"Who act": answer, **small.answers(Who_declines="dee", One_line="no")}
    assert small.run(answers=answers).code == code
    require_free(small)
    if way == "somebody declines":
        return
    later = small.answers(Who_declines="dee", One_line="no")
    assert small.resume(answers={"Who act": answer, **later}).code == code
    require_free(small)
    assert small.resume().code == 0
    require_free(small)


@pytest.mark.parametrize("way", ["KeyboardInterrupt", "ZeroDivisionError"])
def test_within_a_request_of_the_device(small: Bench, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """Both are held then, and what the device had not done is done in the next sitting."""
    fault, code = {"KeyboardInterrupt": (KeyboardInterrupt, 130), "ZeroDivisionError": (ZeroDivisionError, 70)}[way]

    def dies(*_: object) -> NoReturn:
        require_held(small)
        raise fault

    with monkeypatch.context() as patch:
        patch.setattr(EmulatedHsm, "set_mode", dies)
        assert small.run().code == code
    require_free(small)
    assert small.resume().code == 0


def require_held(small: Bench) -> None:
    """What `require_free` does fails while a sitting has the locks."""
    with pytest.raises(WrongUse, match="in use") as caught:
        require_free(small)
    assert caught.value.rule == "DEV002"
    with pytest.raises(WrongUse, match="in use"):
        LogFile.open(Disk(), small.record / "log.jsonl")
