"""Seeded changes of a file: of its bytes, tokens, lines and structure. The same seed gives the same bytes."""

from __future__ import annotations

import json
import random
import re
from copy import deepcopy
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

TOKEN: Final = re.compile(r"[\w.-]+|[ ]+|\n|.")
BYTES: Final = (b"\x00", b"\xff", b"\xef\xbb\xbf", b"\r", b"\r\n", b"\t", b"\xc2\x85", b"\xe2\x80\xae", b"\xed\xa0\x80")
TOKENS: Final = (
    *"{}[]:,&*!|>%@`#?-~\"'\\",
    *("{{", "}}", "{{ region.label }}", "{{ params.x | upper }}", "{{ (((((", "{% if %}", "{# #}"),
    *(
        "steps.generate.key_hash",
        "steps.a",
        "trust.toolset",
        "trust.",
        "card_sets.acs.threshold",
        "records.a.steps.b.c",
    ),
    *("true", "True", "null", "no", "0", "-1", "007", "1e309", "99999999999999999999", "1_000", "0x10", "2026-02-30"),
    *("---", "...", "<<: *a", "&a", "*a", "!!int", "!!python/object", "|2", ">-", "? ", "- - - -", '""', "''"),
    *("16 MB", "999999999 GB", "x" * 300, "é", "\U0001f511", "(a+)+$", "[[a-z]", "(?P<a>", "a{99999}", "\\u2028"),
)
VALUES: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, -1, 10**30, "", " ", "x", "a-b", "é", "x" * 300, [], {}, [[]], [{}], {"": 1}, {"x": {}}),
    *("{{ region.label }}", "{{ params.x }}", "{{ region", "steps.generate.key_hash", "trust.toolset", "none", "any"),
    *("2026-02-30", "16 MB", "0" * 64, "0" * 63, "card_sets.acs.cards", "[[a-z]", "(", "end", "acs", "hsm", "offline"),
)


def mutated(seed: int, content: bytes, tree: Any, others: Sequence[bytes]) -> bytes:
    """Return a file with one to four changes.

    Args:
        seed: what decides about everything.
        content: the file.
        tree: the plain data in it; None where it is not sound YAML, and its structure is left alone.
        others: files of which pieces may be put in.
    """
    draw = random.Random(seed)  # noqa: S311 (an input of a test, and to be had again)
    kinds: list[Callable[[random.Random, bytes, Sequence[bytes]], bytes]] = [_byte, _token, _token, _line, _line]
    if tree is not None and draw.random() < 0.6:
        changed = deepcopy(tree)
        for _ in range(draw.randint(1, 3)):
            _structure(draw, changed)
        content = json.dumps(changed, ensure_ascii=False, indent=draw.choice((None, 1, 2))).encode("utf-8", "replace")
        if draw.random() < 0.9:
            return content
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        content = draw.choice(kinds)(draw, content, others)
    return content


def _byte(draw: random.Random, content: bytes, _others: Sequence[bytes]) -> bytes:
    at = draw.randint(0, len(content))
    end = min(len(content), at + draw.choice((1, 1, 2, 8, 64)))
    match draw.randint(0, 5):
        case 0:
            return content[:at] + bytes([draw.randrange(256)]) + content[at + 1 :]
        case 1:
            return content[:at] + content[end:]
        case 2:
            return content[:end] + content[at:]
        case 3:
            return content[:at]
        case 4:
            return content[:at] + draw.randbytes(draw.randint(1, 8)) + content[at:]
        case _:
            return content[:at] + draw.choice(BYTES) + content[at:]


def _token(draw: random.Random, content: bytes, others: Sequence[bytes]) -> bytes:
    tokens = TOKEN.findall(content.decode("utf-8", "replace"))
    if not tokens:
        return content
    at = draw.randrange(len(tokens))
    match draw.randint(0, 5):
        case 0:
            del tokens[at]
        case 1:
            tokens.insert(at, draw.choice(TOKENS))
        case 2:
            tokens[at] = draw.choice(TOKENS)
        case 3:
            tokens[at] = draw.choice(tokens)
        case 4:
            other = draw.randrange(len(tokens))
            tokens[at], tokens[other] = tokens[other], tokens[at]
        case _:
            tokens[at] = draw.choice(TOKEN.findall(draw.choice(others).decode("utf-8", "replace")) or [""])
    return "".join(tokens).encode()


def _line(draw: random.Random, content: bytes, others: Sequence[bytes]) -> bytes:
    lines = content.split(b"\n")
    at, other = draw.randrange(len(lines)), draw.randrange(len(lines))
    match draw.randint(0, 6):
        case 0:
            del lines[at]
        case 1:
            lines.insert(at, lines[other])
        case 2:
            lines[at], lines[other] = lines[other], lines[at]
        case 3:
            lines[at] = b" " * draw.randint(1, 4) + lines[at]
        case 4:
            lines[at] = lines[at][draw.randint(1, 4) :]
        case 5:
            lines[at : at + draw.randint(1, 8)] = []
        case _:
            foreign = draw.choice(others).split(b"\n")
            start = draw.randrange(len(foreign))
            lines[at:at] = foreign[start : start + draw.randint(1, 6)]
    return b"\n".join(lines)


def _structure(draw: random.Random, tree: Any) -> None:
    places = list(_places(tree))
    if not places:
        return
    inner, key = draw.choice(places)
    match draw.randint(0, 5):
        case 0:
            del inner[key]
        case 1:
            inner[key] = deepcopy(draw.choice(VALUES))
        case 2:
            other, its = draw.choice(places)
            inner[key] = deepcopy(other[its])
        case 3:
            inner[key] = draw.choice(([inner[key]], {"x": inner[key]}, [inner[key], inner[key]]))
        case 4 if isinstance(inner, dict):
            inner[draw.choice(("id", "with", "x", "steps", str(key)[:-1]))] = inner.pop(key)
        case _:
            for _ in range(draw.choice((2, 20, 40))):
                inner[key] = [inner[key]]


def _places(tree: Any) -> list[tuple[Any, Any]]:
    keys = list(tree) if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    return [place for key in keys for place in ((tree, key), *_places(tree[key]))]
