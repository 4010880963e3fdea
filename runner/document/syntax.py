"""What a parser stumbled over, in the author's words and aimed at the cause.

Parsers report where they gave up, often a line below the mistake and in terms of their own grammar. Each detector here
knows one common slip by its shape in the text around that place.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from runner.document.marks import goes_on
from runner.document.scalars import after_dash

if TYPE_CHECKING:
    from runner.document.events import Mark, Unreadable
    from runner.document.marks import Extent

_NO_SPACE: Final = re.compile(r"\s*(?:- +)?(?P<key>[A-Za-z0-9_-]+):(?P<value>[^\s:/{\[].*)\Z")
_NO_SPACE_FLOW: Final = re.compile(r"\s*(?:- +)?(?P<key>[A-Za-z0-9_-]+):(?P<value>[{\[].*)\Z")
_TEMPLATE_TO_THE_END: Final = re.compile(
    r"\s*(?:- +)?(?:[A-Za-z0-9_-]+: +)?(?P<value>\{\{[^{}#]*\}\}(?:[^{}#]|\{\{[^{}#]*\}\})*)\Z"
)
_GOES_ON: Final = re.compile(r""" *(?:- +)*(?:[A-Za-z0-9_-]+: +)?(?P<quoted>"[^"\\]*"|'[^'"\\]*')(?P<rest>[^"\\]+)\Z""")
_PLAIN: Final = re.compile(r" *(?:- +)*[A-Za-z0-9_-]+: +(?P<value>\S.*)\Z")
_LIKE_A_KEY: Final = re.compile(r"(?:\A|\s)[a-z][a-z0-9_-]*:(?:\s|\Z)")
_QUOTE: Final = re.compile("[\"']")
_QUOTED: Final = {'"': re.compile(r'"(?:[^"\\]|\\.)*+"'), "'": re.compile(r"'(?:[^']|'')*+'")}
_SECOND_COLON: Final = re.compile(r":(\s|\Z)")
_OPENED: Final = {"[": "]", "{": "}"}
_RESERVED: Final = {"@", "`", "%"}
"""What no value can begin with; the others of `_SPECIAL` could be meant as what they are in YAML."""

_SPECIAL: Final = {"@", "`", "%", "*", "&", "!", "|", ">", ",", "]", "}"}


class Slip(Struct, frozen=True):
    """A mistake of writing: the rule, what is wrong, where, what to write, and what can be put in quotes to mend it."""

    code: str
    message: str
    at: Mark
    help: str = ""
    quote: Extent | None = None


def explain(fault: Unreadable, lines: tuple[str, ...]) -> Slip:
    """Return the slip behind what a parser reported."""
    for detector in (
        _open_quote,
        _template,
        _quote,
        _missing_space,
        _missing_space_after_dash,
        _behind_quotes,
        _colon_in_text,
        _bracket,
        _first_character,
        _indentation,
    ):
        slip = detector(fault, lines)
        if slip is not None:
            return slip
    return Slip("YAM001", "this cannot be read as YAML", fault.at, "look at the indentation and the quotes around here")


def _line(lines: tuple[str, ...], number: int) -> str:
    return lines[number] if 0 <= number < len(lines) else ""


def _above(lines: tuple[str, ...], number: int) -> int:
    """Return the number of the next line above that is neither empty nor a comment; -1 where there is none."""
    said = (above for above in range(number - 1, -1, -1) if lines[above].strip() and lines[above].lstrip()[0] != "#")
    return next(said, -1)


def _without_quoted(line: str) -> str:
    """Return a line with `_` for what is quoted; after a quote that nothing closes, others like it are characters."""
    bare, closed, at = "", dict(_QUOTED), 0
    while mark := _QUOTE.search(line, at):
        quoted = closed[mark[0]].match(line, mark.start()) if mark[0] in closed else None
        if quoted is None:
            closed.pop(mark[0], None)
        end = mark.end() if quoted is None else quoted.end()
        bare += line[at : mark.start()] + (mark[0] if quoted is None else "_" * len(quoted[0]))
        at = end
    return bare + line[at:]


def _without_comment(line: str) -> str:
    at = _without_quoted(line).find(" #")
    return (line if at < 0 else line[:at]).rstrip()


def _to_the_end(lines: tuple[str, ...], number: int, start: int) -> Extent | None:
    """Return the text from a column to the end of its line; None where it may be something else, or end elsewhere.

    It may be part of what stands within brackets, of a text above that goes on here, or of one that goes on below.
    """
    line = lines[number]
    end = len(line.rstrip())
    bare = [_without_comment(_without_quoted(above)) for above in lines[:number]]
    opened = sum(above.count("[") + above.count("{") - above.count("]") - above.count("}") for above in bare)
    above = _above(lines, number)
    continued = above >= 0 and not bare[above].endswith((":", "-")) and goes_on(lines, above, len(lines[above]))
    if opened > 0 or continued or " #" in line[start:] or goes_on(lines, number, end):
        return None
    return (number, start, number, end)


def _open_quote(fault: Unreadable, lines: tuple[str, ...]) -> Slip | None:
    """A quote that was never closed swallows lines up to the next quote, and reading stops after that one."""
    before = _line(lines, fault.at[0])[: fault.at[1]]
    if not before.endswith('"') or before.count('"') % 2 == 0:
        return None
    for number in range(fault.at[0] - 1, -1, -1):
        if lines[number].count('"') % 2 == 1:
            at = (number, lines[number].rfind('"'))
            return Slip("YAM001", 'the text that begins with " here is not closed', at, 'write " at its end')
    return None


def _template(fault: Unreadable, lines: tuple[str, ...]) -> Slip | None:
    for number in sorted({fault.at[0], fault.since[0], _above(lines, fault.at[0])}, reverse=True):
        line = _line(lines, number)
        column = _without_quoted(line).find("{{")
        if column >= 0:
            end = len(line.rstrip())
            value = _TEMPLATE_TO_THE_END.match(line)
            quote = None if value is None else _to_the_end(lines, number, value.start("value"))
            advice = "put the whole value in quotes"
            if goes_on(lines, number, end):
                advice += ", to its end in the lines below"
            return Slip("YAM020", "a template stands without quotes", (number, column), advice, quote)
    return None


def _quote(fault: Unreadable, lines: tuple[str, ...]) -> Slip | None:
    if "quoted scalar" not in fault.context:
        return None
    if "escape" in fault.problem or "hexadecimal" in fault.problem or "hexdecimal" in fault.problem:
        advice = r"write `\\` for a backslash, or use single quotes"
        return Slip("YAM001", "a backslash in double quotes starts an escape, and this is none", fault.at, advice)
    mark = _line(lines, fault.since[0])[fault.since[1] : fault.since[1] + 1]
    return Slip(
        "YAM001", f"the text that begins with {mark} here is never closed", fault.since, f"write {mark} at its end"
    )


def _missing_space(fault: Unreadable, lines: tuple[str, ...]) -> Slip | None:
    for number in (fault.at[0], fault.at[0] - 1, fault.since[0]):
        line = _line(lines, number)
        match = _NO_SPACE.match(line) or _NO_SPACE_FLOW.match(line)
        if match:
            at = (number, match.start("value"))
            right = f"write `{match['key']}: {_without_comment(match['value'])}`"
            return Slip("YAM001", "a space is missing after the colon", at, right)
    return None


def _missing_space_after_dash(fault: Unreadable, lines: tuple[str, ...]) -> Slip | None:
    for number in (fault.at[0], fault.at[0] - 1):
        line = _without_comment(_line(lines, number))
        item = after_dash(line.lstrip())
        if item is not None:
            at = (number, len(line) - len(item))
            return Slip("YAM001", "a space is missing after the dash", at, f"write `- {item}`")
    return None


def _behind_quotes(fault: Unreadable, lines: tuple[str, ...]) -> Slip | None:
    line = _line(lines, fault.at[0])
    match = _GOES_ON.match(_without_comment(line))
    if match is None or goes_on(lines, fault.at[0], match.end()):
        return None
    if fault.at[1] < match.end("quoted") or line[match.end("quoted") : fault.at[1]].strip():
        return None
    advice = f'write "{match["quoted"][1:-1]}{match["rest"]}"'
    return Slip("YAM001", "the text goes on behind the quote that closes it", fault.at, advice)


def _colon_in_text(fault: Unreadable, lines: tuple[str, ...]) -> Slip | None:
    if "mapping values" not in fault.problem:
        return None
    line = _without_quoted(_line(lines, fault.at[0]))
    before = line[: fault.at[1]]
    if _SECOND_COLON.search(before):
        value = _PLAIN.match(line)
        text = value is not None and value["value"][0].isalnum() and not _LIKE_A_KEY.search(value["value"])
        quote = _to_the_end(lines, fault.at[0], value.start("value")) if value is not None and text else None
        words = "text with a colon and a space in it needs quotes"
        return Slip("YAM001", words, fault.at, "put the whole text in quotes", quote)
    return Slip(
        "YAM001", "a key stands where none can be", fault.at, "look at the indentation of this line and the one above"
    )


def _bracket(fault: Unreadable, lines: tuple[str, ...]) -> Slip | None:
    if "flow" not in fault.context:
        return None
    opened = _line(lines, fault.since[0])[fault.since[1] : fault.since[1] + 1]
    if opened not in _OPENED:
        return None
    message = f"the `{opened}` here is not closed, or a comma is missing before the place where reading stopped"
    return Slip("YAM001", message, fault.since, f"write `{_OPENED[opened]}` where it ends")


def _first_character(fault: Unreadable, lines: tuple[str, ...]) -> Slip | None:
    first = _line(lines, fault.at[0])[fault.at[1] : fault.at[1] + 1]
    if first in _SPECIAL and ("cannot start any token" in fault.problem or "alphabetic" in fault.problem):
        value = _PLAIN.match(_line(lines, fault.at[0]))
        whole = value is not None and value.start("value") == fault.at[1] and first in _RESERVED
        quote = _to_the_end(lines, *fault.at) if whole else None
        words = f"text that begins with `{first}` needs quotes"
        return Slip("YAM001", words, fault.at, "put the whole text in quotes", quote)
    return None


def _indentation(fault: Unreadable, lines: tuple[str, ...]) -> Slip | None:
    if "block" not in fault.context and "simple key" not in fault.context:
        return None
    line = _line(lines, fault.at[0])
    if line[: fault.at[1]].strip():
        return Slip(
            "YAM001",
            "something follows here that does not belong to this line",
            fault.at,
            "put the whole text in quotes",
        )
    if "simple key" in fault.context:
        return Slip("YAM001", "a colon is missing on this line or the one above", fault.since)
    return Slip("YAM001", "the indentation of this line fits no line above", fault.at, "indent it like its neighbours")
