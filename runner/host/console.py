"""How people are talked to, line by line: what a room needs of a terminal, and lines that everybody can read."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

TRIES: Final = 3
"""How often one question may be answered wrongly before the ceremony stops."""

_NARROWEST: Final = 20
"""Columns below which nothing is wrapped any more."""


class Console(Protocol):
    """What a room needs of a terminal."""

    @property
    def stopping(self) -> bool:
        """Whether the people asked to stop."""
        ...

    def tell(self, text: str) -> None:
        """Show lines."""
        ...

    def ask(self, prompt: str, *, waiting: str = "") -> str:
        """Return what a person typed; never empty."""
        ...

    def ask_within(self, prompt: str, seconds: float) -> str | None:
        """Return what a person typed, or None where nobody did in time."""
        ...

    def secret(self, prompt: str) -> str:
        """Return what a person typed unseen; never empty."""
        ...

    def pause(self, seconds: float) -> None:
        """Let time pass."""
        ...

    def under_way(self, words: str) -> AbstractContextManager[None]:
        """Within it nothing stops at the first Ctrl-C; `words` say what has to be done first."""
        ...


def seen(line: str) -> str:
    r"""Return a line with everything that cannot be seen, or would move other text, shown as `\u{hex}`."""
    return "".join(one if one.isprintable() else f"\\u{{{ord(one):x}}}" for one in line)


def wrapped(line: str, columns: int) -> list[str]:
    """Return a line in parts that fit; breaks stand between words only, so a digest or a path stays whole."""
    if columns < _NARROWEST or len(line) <= columns:
        return [line]
    indent = line[: len(line) - len(line.lstrip())]
    return textwrap.wrap(
        line,
        columns,
        initial_indent="",
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def minutes(seconds: float) -> str:
    """Return a time as `02:10`, minutes and seconds."""
    whole = int(seconds)
    return f"{whole // 60:02}:{whole % 60:02}"


def grouped(digest: str) -> str:
    """Return hex digits in groups of four, as people read them aloud."""
    return " ".join(digest[start : start + 4] for start in range(0, len(digest), 4))
