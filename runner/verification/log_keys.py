"""The log key of each sitting: it is a key, it is in its files, and something from outside says whose it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.verification.notes import NoteKey, read_vkey
from runner.verification.reading import ShapeError
from runner.verification.verdict import Finding, Outcome

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from runner.verification.folder import Folder
    from runner.verification.log import Entry
    from runner.verification.trust import Trust


class LogKeys:
    """Follows the log keys of the sittings.

    Attributes:
        current: the key of the sitting under way; None where it is not usable.
    """

    def __init__(self) -> None:
        self._sittings: list[tuple[int, str, NoteKey | None]] = []
        self._origin = ""
        self.current: NoteKey | None = None

    @property
    def files(self) -> tuple[str, ...]:
        """The paths of all key files that there must be; those of sitting 0 at least."""
        numbers = range(max(1, len(self._sittings)))
        return tuple(f"keys/log-{number}.{kind}" for number in numbers for kind in ("vkey", "pub.pem"))

    def sit(self, entry: Entry) -> Iterator[Finding]:
        """LOG014: the key of a sitting is a note key of the log's origin. LOG087: each sitting has its own."""
        text = entry.data["log_key"]
        self._origin = entry.data.get("origin", self._origin)
        self.current = None
        try:
            self.current = read_vkey(text)
        except ShapeError as error:
            yield Finding(rule="LOG014", seq=entry.seq, words=str(error))
        if self.current is not None and self.current.origin != self._origin:
            yield Finding(rule="LOG014", seq=entry.seq, words="the log key is that of another log")
        if self.current is not None and any(self.current == key for _seq, _text, key in self._sittings):
            yield Finding(rule="LOG087", seq=entry.seq, words="it has the log key of a sitting before it")
        self._sittings.append((entry.seq, text, self.current))

    def held(self, record: Folder) -> Iterator[Finding]:
        """LOG022: the key files are there. LOG014: they hold the key their sitting names, and nothing else."""
        expected: list[bytes | None] = []
        for _seq, text, key in self._sittings or [(0, "", None)]:
            expected += [None, None] if key is None else [f"{text}\n".encode(), key.pem()]
        for name, due in zip(self.files, expected, strict=True):
            content = record.read(name)
            if content is None:
                yield Finding(rule="LOG022", file=name, words="it is missing", means=Outcome.INCOMPLETE)
            elif due is not None and content != due:
                yield Finding(rule="LOG014", file=name, words="it is not the key that its sitting names")

    def believed(self, trust: Trust, vouched: Collection[int]) -> Iterator[Finding]:
        """LOG015: each sitting's key is listed from outside, or a person whose key is believed signed over its log.

        Args:
            trust: the anchors.
            vouched: the sittings over whose checkpoints such a person signed.
        """
        doubtful = [
            (number, seq)
            for number, (seq, _text, key) in enumerate(self._sittings)
            if key not in trust.log_keys and number not in vouched
        ]
        if doubtful and trust.log_keys and len(doubtful) == len(self._sittings):
            yield Finding(rule="LOG015", seq=0, words="the log is signed by a key that you do not trust")
            return
        for number, seq in doubtful:
            words = f"nothing from outside the record says whose the log key of sitting {number} is"
            yield Finding(rule="LOG015", seq=seq, words=words, means=Outcome.UNANCHORED)
