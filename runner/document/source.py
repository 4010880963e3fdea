"""A file as its author wrote it: plain data, and the place of every key and value.

Reading goes over the event stream once and builds two parallel trees, data and marks; no YAML object is ever
constructed. Everything outside the profile is refused here, each construct by a rule of its own (YAM001 to YAM020), so
what comes out means the same to every reader of YAML 1.1 and 1.2.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from runner.document import characters
from runner.document.findings import Finding, Path, Place, Span, in_order
from runner.document.marks import as_span, within_block
from runner.document.ways import value_at

if TYPE_CHECKING:
    from runner.document.events import Mark, Parser
    from runner.document.marks import Node
    from runner.document.reading import Reader

MOST_BYTES: Final = 1024 * 1024
"""Size of the largest file that is read; a thousand steps take less than half of it."""

_LONG_TAG: Final = re.compile(r"""(?<![^\s\[\]{},:"'])!\S{128}""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file that was read.

    Attributes:
        name: the file's name as findings show it.
        data: dict, list, str, int, bool and None; None where nothing could be read.
        lines: its text without line ends and byte order mark.
        findings: what is wrong with it as YAML; with any, `data` is not to be relied on.
    """

    name: str
    data: Any
    lines: tuple[str, ...]
    findings: tuple[Finding, ...]
    root: Node | None = field(repr=False, default=None)

    def span_of(self, path: Path) -> Span:
        """Return where the value at `path` stands; the nearest value around it where there is none."""
        node = self.root
        if node is None:
            return Span(1, 1, 1, 1)
        for part in path:
            child = node.child(part)
            if child is None:
                break
            node = child
        return node.span()

    def key_span_of(self, path: Path) -> Span:
        """Return where the key that `path` ends with stands; the value's place where it is no key."""
        node = self.root
        for part in path[:-1]:
            node = node.child(part) if node else None
        mark = node.key(path[-1]) if node and path else None
        return Span(*mark) if mark else self.span_of(path)

    def place_of(self, path: Path, *, key: bool = False) -> Place:
        """Return the place of the value at `path`, or of its key."""
        return Place(file=self.name, span=self.key_span_of(path) if key else self.span_of(path))

    def place_within(self, path: Path, offset: int, length: int) -> Place:
        """Return the place of characters of the text at `path`; of the whole text where they cannot surely be found."""
        whole = self.span_of(path)
        line = self.lines[whole.line - 1] if whole.line <= len(self.lines) else ""
        if line[whole.column - 1 : whole.column] in {"|", ">"}:
            extent = within_block(value_at(self.data, path), self.lines, whole, offset, length)
            return Place(file=self.name, span=whole if extent is None else as_span(extent))
        raw = line[whole.column - 1 : whole.end_column - 1]
        if whole.line != whole.end_line or raw[:1] not in {'"', "'"} or "\\" in raw or "''" in raw:
            return Place(file=self.name, span=whole)
        first = whole.column + 1 + offset
        return Place(
            file=self.name, span=Span(whole.line, first, whole.line, min(first + length, whole.end_column - 1))
        )


def read_source(name: str, data: bytes, *, parser: Parser = "best") -> Source:
    """Return the file `name` with the content `data`; never raises for what is in it.

    Args:
        name: as findings show it.
        data: the file's bytes.
        parser: which parser to use; the result is the same.
    """
    if len(data) > MOST_BYTES:
        return _refused(name, "YAM004", f"the file has {len(data)} bytes; at most {MOST_BYTES} are read")
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as fault:
        return _not_utf8(name, data, fault)
    if "\0" in text:
        return _no_text(name, text)
    lines = tuple(text.split("\n"))
    value, root, findings = _read(name, text, lines, parser)
    return Source(name=name, data=value, lines=lines, findings=tuple(in_order(findings)), root=root)


def _read(name: str, text: str, lines: tuple[str, ...], parser: Parser) -> tuple[Any, Node | None, list[Finding]]:
    """Return data, marks and findings: of the C parser where it is to be believed, else of the pure one."""
    from runner.document.events import Unreadable, c_events, c_parser, may_differ, pure_events
    from runner.document.reading import MOST_FINDINGS, Reader, Stopped
    from runner.document.syntax import explain

    reader = Reader(name, lines)
    if _characters(reader, text, MOST_FINDINGS) or _directive(reader, lines) or _long_tag(reader, lines):
        return None, None, reader.findings
    fast = None if parser == "pure" or may_differ(text) else c_parser()
    if fast is not None:
        with contextlib.suppress(Stopped, Unreadable):
            value, root = reader.document(c_events(text, fast))
            if not reader.findings and not reader.doubtful and isinstance(value, dict | list):
                return value, root, []
    reader = Reader(name, lines)
    try:
        value, root = reader.document(pure_events(text))
    except Stopped:
        return None, None, reader.findings
    except Unreadable as fault:
        slip = explain(fault, lines)
        at = (*slip.at, slip.at[0], slip.at[1] + 1)
        same = [one for one in reader.findings if one.code == slip.code and one.place.span.line == slip.at[0] + 1]
        reader.report(slip.code, slip.message, at, help_=slip.help, quote=slip.quote)
        if same:  # told already, but its end was not known then
            last = reader.findings.pop()
            told = replace(same[0], fixes=last.fixes)
            if told.message == last.message:
                told = replace(told, help=last.help)
            reader.findings = [told if one is same[0] else one for one in reader.findings]
        return None, None, reader.findings
    return value, root, reader.findings


def _characters(reader: Reader, text: str, most: int) -> bool:
    """Report tabs and characters nobody sees; return whether there are any."""
    if "\r" in text and "\n" not in text:
        reader.report("YAM019", "the lines end with CR alone", (0, 0, 0, 1), help_="save the file with LF")
        return True
    found = False
    starts: list[int] = [0]
    for line in reader.lines:
        starts.append(starts[-1] + len(line) + 1)
    offset = text.find("\t")
    if offset >= 0:
        at = _at(starts, offset)
        indents = not reader.lines[at[0]][: at[1]].strip()
        what = "a tab indents this line" if indents else "a tab stands here"
        reader.report("YAM018", what, (*at, at[0], at[1] + 1), help_="write spaces; editors can be set to do so")
        found = True
    for offset, character in characters.refused(text):
        at = _at(starts, offset)
        message = f"a character that does not show as what it is: {character}"
        reader.report("YAM019", message, (*at, at[0], at[1] + 1), help_="remove it, or type a plain space")
        found = True
        if len(reader.findings) >= most:
            break
    return found


def _at(starts: list[int], offset: int) -> Mark:
    from bisect import bisect_right

    line = bisect_right(starts, offset) - 1
    return line, offset - starts[line]


def _directive(reader: Reader, lines: tuple[str, ...]) -> bool:
    """Report a directive before the document; return whether there is one."""
    for number, line in enumerate(lines):
        if line.startswith("%"):
            reader.report(
                "YAM009",
                "a directive changes how the file is read",
                (number, 0, number, len(line)),
                help_="remove the line",
            )
            return True
        if line.strip() and not line.lstrip().startswith("#"):
            return False
    return False


def _long_tag(reader: Reader, lines: tuple[str, ...]) -> bool:
    """Report a tag of absurd length, on which the pure parser takes time that grows with its square."""
    for number, line in enumerate(lines):
        if "!" in line and (found := _LONG_TAG.search(line)):
            extent = (number, found.start(), number, found.end())
            reader.report("YAM013", "a tag changes what this is", extent, help_="remove it, or put the text in quotes")
            return True
    return False


def _refused(name: str, code: str, message: str, span: Span | None = None) -> Source:
    place = Place(file=name, span=span or Span(1, 1, 1, 1))
    return Source(name=name, data=None, lines=(), findings=(Finding(code=code, message=message, place=place),))


def _not_utf8(name: str, data: bytes, fault: UnicodeDecodeError) -> Source:
    before = data[: fault.start].removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    binary = "" if b"\0" not in data else ", if it is text at all"
    return _refused(name, "YAM002", f"the file is not UTF-8 from here on; save it as UTF-8{binary}", _behind(before))


def _no_text(name: str, text: str) -> Source:
    words = "the file is not text in UTF-8: a byte 0 stands here; save it as UTF-8, if it is text at all"
    return _refused(name, "YAM002", words, _behind(text[: text.index("\0")]))


def _behind(before: str) -> Span:
    """Return the place of the character behind some text."""
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    return Span(line, column, line, column + 1)
