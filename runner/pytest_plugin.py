"""The pytest plugin: every `*.replay.yaml` is a file of tests, and so is the log of every record.

A replay file has one item for the base case and each variant. A record, a `log.jsonl` with a `plan.json` beside it, has
two: it is replayed, and verified with the trust file that lies beside the record's folder.

Nothing but pytest is loaded before such a file is found. A file that is named on the command line is collected where it
lies; others are found below the folders pytest looks in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from typing_extensions import override

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from pathlib import Path

    from runner.host.replay_script import Case, Loaded

ENDING: Final = ".replay.yaml"
LOG: Final = "log.jsonl"
PLAN: Final = "plan.json"


class NotAsWritten(Exception):
    """A case came otherwise than its file says; the words are findings for people."""


class ReplayFile(pytest.File):
    """A file of scripted ceremonies."""

    @override
    def collect(self) -> Iterator[ReplayItem]:
        """Yield the cases in the file's order.

        Raises:
            CollectError: the file, or the playbook it names, cannot be read; with the findings.
        """
        from runner.document.printing.text import text
        from runner.errors import WrongUse
        from runner.host.disk import Disk
        from runner.host.replay_script import Unreadable, load_replay

        try:
            loaded = load_replay(Disk(), self.path)
        except WrongUse as fault:
            raise self.CollectError(fault.words) from None
        if isinstance(loaded, Unreadable):
            raise self.CollectError(text(loaded.findings, loaded.by_name()))
        for case in loaded.cases:
            yield ReplayItem.from_parent(self, name=case.name, loaded=loaded, case=case)


class FoundItem(pytest.Item):
    """An item that fails with findings."""

    @override
    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return the findings; where it is a defect of ours, its traceback."""
        if isinstance(excinfo.value, NotAsWritten):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style=style)


class ReplayItem(FoundItem):
    """The base case, or one variant."""

    def __init__(self, *, loaded: Loaded, case: Case, **more: Any) -> None:
        super().__init__(**more)
        self._loaded = loaded
        self._case = case

    @override
    def runtest(self) -> None:
        """Try the case.

        Raises:
            NotAsWritten: it came otherwise than it says.
        """
        from runner.document.printing.text import text
        from runner.host.disk import Disk
        from runner.host.replay_script import try_case

        tried = try_case(Disk(), self._loaded, self._case)
        if tried.findings:
            raise NotAsWritten(text(tried.findings, tried.sources))

    @override
    def reportinfo(self) -> tuple[os.PathLike[str] | str, int, str]:
        """Return the file, the line of the case from 0, and its name."""
        return self.path, self._case.place.span.line - 1, self.name


class RecordFile(pytest.File):
    """The log of a record."""

    @override
    def collect(self) -> Iterator[RecordItem]:
        """Yield what is done with the record."""
        yield RecordItem.from_parent(self, name="replay")
        yield RecordItem.from_parent(self, name="verify")


class RecordItem(FoundItem):
    """A record replayed, or verified; skipped where nothing from outside can say whose it is."""

    @override
    def runtest(self) -> None:
        """Look at the record.

        Raises:
            NotAsWritten: something is wrong with it.
        """
        from runner.errors import WrongUse
        from runner.host.disk import Disk
        from runner.host.kept_record import replayed, verified
        from runner.host.rehearsal import TRUST

        look = replayed if self.name == "replay" else verified
        try:
            found = look(Disk(), self.path.parent)
        except WrongUse as fault:
            raise NotAsWritten(fault.words) from None
        if found is None:
            pytest.skip(f"there is no {TRUST} beside the record")
        if found:
            raise NotAsWritten(found)

    @override
    def reportinfo(self) -> tuple[os.PathLike[str] | str, int, str]:
        """Return the log, its first line, and what is done."""
        return self.path, 0, self.name


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.File | None:
    """Collect `*.replay.yaml` and the logs of records, and look into no other file."""
    if file_path.name.endswith(ENDING):
        return ReplayFile.from_parent(parent, path=file_path)
    if file_path.name == LOG and _is_record(file_path.parent):
        return RecordFile.from_parent(parent, path=file_path)
    return None


def _is_record(folder: Path) -> bool:
    from runner.host.disk import Disk

    return Disk().exists(folder / PLAN)
