"""From events to plain data and marks, refusing every construct outside the profile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from runner.document import characters
from runner.document.findings import Finding, Place, Span
from runner.document.fixes import quoting
from runner.document.marks import Extent, Node, as_span, goes_on, trimmed
from runner.document.scalars import Refused, after_dash, plain_key, plain_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.document.findings import Fix

MOST_DEPTH: Final = 32
MOST_NODES: Final = 50_000
MOST_FINDINGS: Final = 100
"""Beyond this the rest of the file is not looked at."""

MOST_SCALAR: Final = 64 * 1024
"""Code points of the longest scalar."""


class Stopped(Exception):
    """Nothing after this place can be read with any use."""


class Reader:
    """One pass over the events of one file.

    Attributes:
        findings: what was found so far.
        doubtful: whether a key in braces stands without a value, which is how the C parser misreads a question mark.
    """

    def __init__(self, name: str, lines: tuple[str, ...]) -> None:
        self.name = name
        self.lines = lines
        self.findings: list[Finding] = []
        self.doubtful = False
        self._events: Iterator[Any] = iter(())
        self._nodes = 0

    def report(
        self,
        code: str,
        message: str,
        extent: Extent,
        *,
        help_: str = "",
        related: tuple[str, Extent] | None = None,
        quote: Extent | None = None,
    ) -> None:
        """Write down a fault; `quote` is what can be put in quotes to mend it."""
        others = ((related[0], self._place(related[1])),) if related else ()
        fixes = () if quote is None else self._quoting(quote)
        place = self._place(extent)
        self.findings.append(Finding(code=code, message=message, place=place, help=help_, related=others, fixes=fixes))

    def document(self, events: Iterator[Any]) -> tuple[Any, Node | None]:
        """Return the only document of the stream, and its marks.

        Raises:
            Stopped: a limit, a second document, or nothing to read; the finding is written down.
            Unreadable: it is not YAML.
        """
        self._events = events
        value: Any = None
        root: Node | None = None
        for event in events:
            kind = type(event).__name__
            if kind == "DocumentStartEvent":
                if root is not None:
                    self._stop("YAM008", "a second document begins here", _extent(event), "one file holds one document")
                value, root = self._value(next(events), 0, None)
        if root is None or (value is None and not self.findings):
            self._stop("YAM003", "the file is empty", (0, 0, 0, 0), "")
        return value, root

    def _value(self, event: Any, depth: int, after: Extent | None) -> tuple[Any, Node]:
        self._count(event)
        kind = type(event).__name__
        if kind == "AliasEvent":
            self.report("YAM011", "an alias stands for text elsewhere", _extent(event), help_="write the text out here")
            return None, Node(_extent(event))
        self._plain_spoken(event)
        if kind == "ScalarEvent":
            return self._scalar(event, after)
        if depth >= MOST_DEPTH:
            self._stop("YAM005", f"this is nested deeper than {MOST_DEPTH}", _extent(event), "")
        if kind == "MappingStartEvent":
            return self._mapping(event, depth, item=after is None and depth > 0)
        return self._sequence(event, depth)

    def _scalar(self, event: Any, after: Extent | None) -> tuple[Any, Node]:
        text: str = event.value
        extent = _extent(event)
        style = event.style or ""
        self._length(text, extent)
        if style in {"|", ">"}:
            return text, Node(trimmed(extent, self.lines))
        if style:
            self._escaped(text, extent)
            return text, Node(extent)
        if not text and after is not None:
            extent = (after[2], after[3] + 1, after[2], after[3] + 1)
        value = plain_value(text)
        if isinstance(value, Refused):
            quote = extent if value.quotable else None
            self.report(value.code, value.message, extent, help_=value.help, quote=quote)
            value = text
        return value, Node(extent)

    def _sequence(self, event: Any, depth: int) -> tuple[list[Any], Node]:
        values: list[Any] = []
        node = Node(_extent(event))
        items: list[Node] = []
        node.items = items
        for inner in self._events:
            if type(inner).__name__ == "SequenceEndEvent":
                self._close(node, event, inner, items[-1] if items else None)
                return values, node
            value, child = self._value(inner, depth + 1, None)
            values.append(value)
            items.append(child)
        return values, node

    def _mapping(self, event: Any, depth: int, *, item: bool) -> tuple[dict[str, Any], Node]:
        """Return a mapping, and its marks; `item`: it stands in a list."""
        values: dict[str, Any] = {}
        node = Node(_extent(event))
        keys: dict[str, Extent] = {}
        items: dict[str, Node] = {}
        node.keys, node.items = keys, items
        without_dash = False
        last: Node | None = None
        for inner in self._events:
            if type(inner).__name__ == "MappingEndEvent":
                self._close(node, event, inner, last)
                return values, node
            key, extent = self._key(inner, event, depth)
            value, last = self._value(next(self._events), depth + 1, extent)
            self.doubtful |= value is None and event.flow_style
            if key is None:
                continue
            if key in keys:
                if not without_dash:
                    without_dash = item and not event.flow_style and key == next(iter(keys))
                    self._twice(key, extent, keys[key], without_dash=without_dash)
                continue
            values[key], keys[key], items[key] = value, extent, last
        return values, node

    def _twice(self, key: str, extent: Extent, first: Extent, *, without_dash: bool) -> None:
        """YAM014; where the key is the one that the item begins with, another item was to begin, and that is all."""
        words, advice = f"`{key}` is written twice", "keep one of the two"
        if without_dash:
            words, advice = f"{words} in one item of the list", f"write `- {key}:` where another item begins"
        self.report("YAM014", words, extent, help_=advice, related=("first written here", first))

    def _key(self, event: Any, mapping: Any, depth: int) -> tuple[str | None, Extent]:
        if type(event).__name__ != "ScalarEvent":
            return self._no_key(event, mapping, depth)
        self._count(event)
        self._plain_spoken(event)
        text: str = event.value
        extent = _extent(event)
        self._length(text, extent)
        if event.style:
            self._escaped(text, extent)
            return text, extent
        if (dash := after_dash(text)) is not None:
            self._no_space_after_dash(extent, dash)
            return None, extent
        key = plain_key(text)
        if isinstance(key, Refused):
            self.report(key.code, key.message, extent, help_=key.help, quote=extent if key.quotable else None)
            return None, extent
        return key, extent

    def _no_space_after_dash(self, extent: Extent, item: str) -> None:
        """Report an item of a list that reads as a key, since its dash belongs to it."""
        at = (extent[0], extent[1] + 1, extent[0], extent[1] + 2)
        rest = self.lines[extent[0]][extent[3] :] if extent[0] == extent[2] else ""
        right = f"write `- {item}{rest.rstrip()}`" if " #" not in rest else ""
        self.report("YAM001", "a space is missing after the dash", at, help_=right)

    def _no_key(self, event: Any, mapping: Any, depth: int) -> tuple[None, Extent]:
        """Report a list or a mapping in a key's place; `{{ x }}` without quotes reads as one."""
        extent = _extent(event)
        before = len(self.findings)
        _, node = self._value(event, depth + 1, None)
        del self.findings[before:]  # what is wrong inside is no second cause
        outer = _extent(mapping)
        if (
            extent[:2] == (outer[0], outer[1] + 1)
            and type(event).__name__ == "MappingStartEvent"
            and mapping.flow_style
        ):
            extent = (*outer[:2], node.extent[2], node.extent[3] + 1)
            below = goes_on(self.lines, *extent[2:])
            advice = "put the whole value in quotes" + (", to its end in the lines below" if below else "")
            quote = None if below else extent
            self.report("YAM020", "a template stands without quotes", extent, help_=advice, quote=quote)
        elif self._is_template(node.extent):
            line, column, _, _ = extent
            text = self.lines[line][column:].rstrip()
            item = self.lines[line][:column].lstrip().startswith("- ") and not {'"', "\\", "#"} & set(text)
            advice = f'write "{text}"' if item else "write the key itself; only values are templated"
            self.report("YAM020", "a template stands where a key is expected", node.extent, help_=advice)
        else:
            self.report(
                "YAM015", "a list or a mapping stands where a key is expected", node.extent, help_="keys are text"
            )
        return None, node.extent

    def _is_template(self, extent: Extent) -> bool:
        line, column, last, end = extent
        text = self.lines[line][column:end] if line == last else ""
        return text.startswith("{{") and text.endswith("}}")

    def _close(self, node: Node, start: Any, end: Any, last: Node | None) -> None:
        """Give a collection its end: the bracket's, or that of its last value, never the line after."""
        close = end.end_mark
        if not start.flow_style and last is not None:
            node.extent = (*node.extent[:2], *last.extent[2:])
        else:
            node.extent = (*node.extent[:2], close.line, close.column)

    def _plain_spoken(self, event: Any) -> None:
        if event.anchor is not None:
            self.report(
                "YAM010", f"the anchor `&{event.anchor}` gives this a second name", _extent(event), help_="remove it"
            )
        if event.tag is not None:
            self.report("YAM013", "a tag changes what this is", _extent(event), help_="remove it")

    def _escaped(self, text: str, extent: Extent) -> None:
        """Refuse characters that were smuggled in as escapes; the text itself was searched already."""
        for _, character in characters.refused(text):
            self.report(
                "YAM019", f"an escape stands for a character that does not show: {character}", extent, help_="remove it"
            )
            return
        if "\t" in text:
            self.report("YAM018", "an escape stands for a tab", extent, help_="write spaces")

    def _length(self, text: str, extent: Extent) -> None:
        if len(text) > MOST_SCALAR:
            self._stop("YAM007", f"this text is longer than {MOST_SCALAR} characters", extent, "")

    def _count(self, event: Any) -> None:
        self._nodes += 1
        if self._nodes > MOST_NODES:
            self._stop("YAM006", f"the file has more than {MOST_NODES} keys and values", _extent(event), "")
        if len(self.findings) >= MOST_FINDINGS:
            raise Stopped

    def _stop(self, code: str, message: str, extent: Extent, advice: str) -> None:
        self.report(code, message, extent, help_=advice)
        raise Stopped

    def _quoting(self, extent: Extent) -> tuple[Fix, ...]:
        """Return the fix that puts in quotes what stands there; a bracket must belong to braces in pairs."""
        line, column, last, end = extent
        text = self.lines[line][column:end] if line == last and line < len(self.lines) else ""
        paired = text.count("{{") == text.count("}}") and text.count("{") == 2 * text.count("{{")
        return quoting(self.lines, self._place(extent), text) if paired else ()

    def _place(self, extent: Extent) -> Place:
        span: Span = as_span(extent)
        return Place(file=self.name, span=span)


def _extent(event: Any) -> Extent:
    start, end = event.start_mark, event.end_mark
    return start.line, start.column, end.line, end.column
