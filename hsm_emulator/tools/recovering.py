"""`rocs`: keys are put under another card set or softcard, in a dialogue or by one command line.

Attested are the names of its commands and that `save` ends it (research, section 4). What is marked and recovered is
only noted; cards are asked for at `save`, because a request of the device is whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct, field

from hsm_emulator import operator_messages as messages
from hsm_emulator import operator_pages
from hsm_emulator.errors import Refused, Status
from hsm_emulator.keyfile import MODULE
from hsm_emulator.pages import MARK
from hsm_emulator.tools.arguments import Tool, UsageError, add_module

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Sequence

    from hsm_emulator.facts import KeyFact
    from hsm_emulator.operator_messages import OperatorsListed
    from hsm_emulator.tools.arguments import Parser
    from hsm_emulator.tools.installation import Installation

_PROMPT: Final = "rocs> "
_HELP: Final = """commands:
 list cardsets | list softcards | list keys     what there is
 module 1                                       the module
 target NAME|HASH                               where keys go
 mark KEY… | unmark KEY…                        KEY is its number in the list, or APP:IDENT
 recover                                        note the marked keys for `save`
 revert KEY…                                    forget that again
 status                                         the target, what is marked and what is recovered
 save                                           ask for the cards and do it: all keys or none
 quit                                           without saving"""


class _NotUnderstoodError(Exception):
    """A line of the dialogue is none; nothing was noted."""


class _Notes(Struct):
    """What was said so far."""

    keys: Sequence[KeyFact]
    there: OperatorsListed
    target: str = ""
    marked: list[KeyFact] = field(default_factory=list)
    recovered: list[KeyFact] = field(default_factory=list)


def _rocs(options: Namespace, at: Installation) -> str:
    if bool(options.target) != bool(options.keys):
        raise UsageError("-t and -k belong together; without both, rocs asks")
    notes = _Notes(
        keys=[key for key in at.demand_usable("rocs").keys if key.protect != MODULE],
        there=at.look(messages.ListOperators(), messages.OperatorsListed),
    )
    if options.target:
        try:
            _target(notes, [options.target])
            _mark(notes, options.keys)
        except _NotUnderstoodError as error:
            raise Refused(Status.INVALID_PARAMETER, str(error)) from None
        notes.recovered = notes.marked
        return _save(notes, at)
    at.operator.show(f"{MARK}\n`rocs' key recovery tool. Type help for its commands.")
    while (line := at.operator.line(_PROMPT)) not in {"", "quit", "exit"}:
        if line == "save" and notes.recovered:
            return _save(notes, at)
        try:
            at.operator.show(_answer(notes, line.split()))
        except _NotUnderstoodError as error:
            at.operator.show(str(error))
    if notes.marked or notes.recovered:
        raise Refused(Status.CANCELLED, "nothing was saved, and nothing was changed")
    return f"{MARK}\nNothing was changed.\n"


def _save(notes: _Notes, at: Installation) -> str:
    keys = tuple((key.app, key.ident) for key in notes.recovered)
    made = at.change(messages.RecoverKeys(target=notes.target, keys=keys), messages.KeysRecovered)
    lines = [f"  {key.app} {key.ident} hash {key.key_hash}" for key in made.keys]
    return "\n".join([MARK, f"{len(made.keys)} keys saved under {made.hkltu}", *lines, ""])


def _answer(notes: _Notes, words: Sequence[str]) -> str:
    """Return what is shown for one line of the dialogue.

    Raises:
        _NotUnderstoodError: it is none.
    """
    name, rest = words[0], words[1:]
    known: dict[str, Callable[[_Notes, Sequence[str]], None]] = {
        "target": _target,
        "mark": _mark,
        "unmark": _unmark,
        "recover": _recover,
        "revert": _revert,
        "module": _module,
    }
    if name in known:
        known[name](notes, rest)
        return _status(notes)
    match words:
        case ["help"]:
            return _HELP
        case ["status"]:
            return _status(notes)
        case ["list", "keys"]:
            return _key_list(notes)
        case ["list", "cardsets"]:
            return operator_pages.card_set_list(notes.there.card_sets).rstrip("\n")
        case ["list", "softcards"]:
            return operator_pages.softcard_list(notes.there.softcards).rstrip("\n")
        case ["save"]:
            raise _NotUnderstoodError("there is nothing to save: mark keys, then recover")
        case _:
            raise _NotUnderstoodError(f"{' '.join(words)!r} is no command of rocs; type help")


def _target(notes: _Notes, words: Sequence[str]) -> None:
    if notes.recovered:
        raise _NotUnderstoodError("save or revert what is recovered first")
    named = " ".join(words)
    found = [made.hkltu for made in notes.there.tokens if named in {made.name, made.hkltu}]
    if len(found) != 1:
        raise _NotUnderstoodError(f"{len(found)} card sets or softcards are called {named!r}")
    notes.target = found[0]


def _mark(notes: _Notes, words: Sequence[str]) -> None:
    found = [_key(notes, word) for word in words]
    notes.marked += [key for key in dict.fromkeys(found) if key not in (*notes.marked, *notes.recovered)]


def _unmark(notes: _Notes, words: Sequence[str]) -> None:
    found = [_key(notes, word) for word in words]
    notes.marked = [key for key in notes.marked if key not in found]


def _recover(notes: _Notes, words: Sequence[str]) -> None:
    if words or not notes.marked or not notes.target:
        raise _NotUnderstoodError("recover takes no words, and needs a target and marked keys")
    notes.recovered += notes.marked
    notes.marked = []


def _revert(notes: _Notes, words: Sequence[str]) -> None:
    found = [_key(notes, word) for word in words]
    notes.recovered = [key for key in notes.recovered if key not in found]


def _module(_: _Notes, words: Sequence[str]) -> None:
    if list(words) != ["1"]:
        raise _NotUnderstoodError("there is module 1 only")


def _key(notes: _Notes, word: str) -> KeyFact:
    for number, key in enumerate(notes.keys, start=1):
        if word in {str(number), f"{key.app}:{key.ident}"}:
            return key
    raise _NotUnderstoodError(f"{word!r} is no key that a card set or softcard protects; list keys shows them")


def _key_list(notes: _Notes) -> str:
    names = {made.hkltu: made.name for made in notes.there.tokens}
    lines = [f"{'No.':>4} {'Name':<40} {'App':<12} Protected by"]
    for number, key in enumerate(notes.keys, start=1):
        lines.append(f"{number:>4} {key.ident:<40} {key.app:<12} {names.get(key.hkltu, key.hkltu)}")
    return "\n".join(lines)


def _status(notes: _Notes) -> str:
    def named(keys: Sequence[KeyFact]) -> str:
        return ", ".join(f"{key.app}:{key.ident}" for key in keys) or "none"

    return f"target {notes.target or 'none'}; marked {named(notes.marked)}; recovered {named(notes.recovered)}"


def _add_rocs(parser: Parser) -> None:
    add_module(parser)
    parser.add_argument("-t", "--target", metavar="NAME", default="", help="the card set or softcard keys go to")
    parser.add_argument("-k", "--keys", metavar="APP:IDENT", nargs="+", default=[], help="the keys")


TOOLS: Final = (
    Tool(
        name="rocs",
        does="Put keys of a lost card set or softcard under another one",
        needs="a Security World; the module in operational mode; a quorum of administrator cards, then of the target",
        erases="the keys' blobs under what protected them before",
        interrupted="nfkminfo -k says what protects the keys; where it is what did before, run it again",
        run=_rocs,
        add=_add_rocs,
    ),
)
