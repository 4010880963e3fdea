"""The event stream of a YAML document, from the C parser where it is installed and from the pure one elsewhere.

The C parser is only the faster of the two. It is asked first, and believed only where it finds nothing wrong in a text
that both read alike; everything else is read again by the pure one, so a verdict never depends on what is installed.
"""

from __future__ import annotations

import importlib
import re
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

Parser = Literal["best", "pure"]
Mark = tuple[int, int]
"""Line and column, both from 0."""

_DIFFERENT: Final = re.compile(r"^ +$|^\.\.\.|[|>][-+0-9]*#", re.MULTILINE)

_FAULTS = (ValueError, OverflowError, IndexError, TypeError, AttributeError, AssertionError, KeyError, RecursionError)
"""What the pure scanner lets through on some malformed texts, such as an escape beyond U+10FFFF."""


class Unreadable(Exception):
    """The text is not YAML.

    Attributes:
        problem: what the parser says; "" where it says nothing of use.
        context: what it was doing.
        at: where it noticed.
        since: where what it was doing began.
    """

    def __init__(self, problem: str, context: str, at: Mark, since: Mark) -> None:
        super().__init__(problem)
        self.problem = problem
        self.context = context
        self.at = at
        self.since = since


def c_parser() -> Any:
    """Return the class of the C parser, or None where it is not installed."""
    try:
        return importlib.import_module("ruamel.yaml.cyaml").CParser
    except ImportError:
        return None


def may_differ(text: str) -> bool:
    """Return whether the C parser may accept a text that the pure one refuses.

    It takes lines of spaces at the head of a block of text for part of it, `|#` for `| #`, and several ends of a
    document for one. The other difference shows in the events: it ends a key in braces at a question mark, which leaves
    a key without a value behind (`Reader.doubtful`).
    """
    return _DIFFERENT.search(text) is not None


def c_events(text: str, parser_class: Any) -> Iterator[Any]:
    """Yield the events of `text` by the C parser.

    Raises:
        Unreadable: it is not YAML; what and where is for the pure parser to say.
    """
    from ruamel.yaml.error import YAMLError

    try:
        parser = parser_class(text)
        while parser.check_event():
            yield parser.get_event()
    except (YAMLError, *_FAULTS):
        raise Unreadable("", "", (0, 0), (0, 0)) from None


def pure_events(text: str) -> Iterator[Any]:
    """Yield the events of `text` by the pure parser.

    Raises:
        Unreadable: it is not YAML; raised when the iteration reaches the place.
    """
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    from runner.document.pure_parser import events

    try:
        yield from events(text)
    except MarkedYAMLError as fault:
        at = _mark(fault.problem_mark or fault.context_mark)
        since = _mark(fault.context_mark or fault.problem_mark)
        raise Unreadable(str(fault.problem or ""), str(fault.context or ""), at, since) from None
    except (YAMLError, *_FAULTS):
        raise Unreadable("", "", (0, 0), (0, 0)) from None


def _mark(mark: Any) -> Mark:
    return (0, 0) if mark is None else (mark.line, mark.column)
