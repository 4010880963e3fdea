"""The pytest plugin: every `*.replay.yaml` is a file of tests, with one item for the base case and each variant.

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


class ReplayItem(pytest.Item):
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
    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Return the findings; where it is a defect of ours, its traceback."""
        if isinstance(excinfo.value, NotAsWritten):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style=style)

    @override
    def reportinfo(self) -> tuple[os.PathLike[str] | str, int, str]:
        """Return the file, the line of the case from 0, and its name."""
        return self.path, self._case.place.span.line - 1, self.name


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> ReplayFile | None:
    """Collect `*.replay.yaml`, and look into no other file."""
    return ReplayFile.from_parent(parent, path=file_path) if file_path.name.endswith(ENDING) else None
