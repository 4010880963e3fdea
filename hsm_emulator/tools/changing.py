"""Tools that change a device in the vendor's syntax. Each is one request; what is refused has changed nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hsm_emulator import messages, profiles
from hsm_emulator.errors import Refused, Status
from hsm_emulator.facts import Mode
from hsm_emulator.pages import MARK
from hsm_emulator.sharing import Quorum
from hsm_emulator.state import LOCAL
from hsm_emulator.tools import existing_world
from hsm_emulator.tools.arguments import Tool, UsageError, add_module
from hsm_emulator.tools.waiting import add_wait_limit, await_initialization
from hsm_emulator.tools.world_options import add_world, new_world
from hsm_emulator.world_messages import Feature

if TYPE_CHECKING:
    from argparse import Namespace

    from hsm_emulator.tools.arguments import Parser
    from hsm_emulator.tools.installation import Installation

_PARAMETERS: Final = {
    "protect": "module",
    "type": "RSA",
    "size": "2048",
    "pubexp": "",
    "ident": "",
    "plainname": "",
    "nvram": "no",
}
"""What generatekey knows and asks for where it is not given, in that order, with the answer an empty line means."""

_INITIALIZE: Final = "initialize"
_PROGRAM: Final = "program"
_FACTORY: Final = "factory"

_FIXED: Final = {"verify": "yes", "slot": "0"}
_RECOVERY: Final = "recovery"
_YES: Final = {"yes": True, "no": False}

_TABLE: Final = (
    "operation", "application", "protect", "cardset", "softcard", "slot", "recovery", "verify", "type", "size",
    "pubexp", "ident", "plainname", "nvram",
)  # fmt: skip
"""The order of generatekey's table of parameters."""

_PROTECTORS: Final = {"token": "cardset", "softcard": "softcard"}
"""By which parameter generatekey is told what protects the key besides the module."""


def _nopclearfail(options: Namespace, at: Installation) -> str:
    from hsm_emulator.module import cleared_mode

    mode = options.mode or cleared_mode(at.module().mode)
    at.change(messages.ChangeMode(mode=mode), messages.ModeChanged)
    return f"{MARK}\nModule 1, command ClearUnitEx: OK\n"


def _new_world(options: Namespace, at: Installation) -> str:
    if options.action != _INITIALIZE:
        return {_PROGRAM: existing_world.program, _FACTORY: existing_world.factory}[options.action](options, at)
    if options.cipher_suite is None or options.acs_quorum is None:
        raise UsageError("--initialize needs --cipher-suite and --acs-quorum: nothing is assumed")
    command = new_world(options)
    profiles.profile_of(command, Quorum(k=command.threshold, n=command.cards))  # before anybody waits or is asked
    module = await_initialization(at, "new-world", options.wait_limit)
    warning = f"This erases world {module.hknso} and all its keys; its files stay beside the new ones. Type yes: "
    if module.hknso and at.operator.line(warning) != "yes":
        raise Refused(Status.CANCELLED, "the module keeps its Security World; nothing was changed")
    at.operator.show(f"{MARK}\nCreate Security World:")
    made = at.change(command, messages.WorldMade)
    return f"Card writing complete.\n\nsecurity world generated on module #1; hknso = {made.hknso}\n"


def _generatekey(options: Namespace, at: Installation) -> str:
    given = _parameters(options.parameters)
    module = at.demand_usable("generatekey")
    for name, value in given.items():
        _check(name, value)
    for name, usual in _PARAMETERS.items():
        if name not in given:
            given[name] = at.operator.line(f"{name} [{usual}]: ") or usual
            _check(name, given[name])  # before the next is asked for
    ident = given["ident"].lower()
    note = f"The identifier is written small: {ident}\n" if ident != given["ident"] else ""
    has = module.world is not None and module.world.has(Feature.RECOVERY)
    recovery = given.setdefault(_RECOVERY, "yes" if has else "no")
    if recovery == "yes" and not has:
        raise Refused(Status.INVALID_PARAMETER, "recovery=yes: this world was made without recovery")
    by = _protector(given, at)
    command = messages.GenerateKey(
        app=options.generate,
        ident=ident,
        plainname=given["plainname"],
        type=given["type"],
        size=int(given["size"]),
        protect=given["protect"],
        nvram=_YES[given["nvram"]],
        pubexp=given["pubexp"],
        token=by,
        recovery=_YES[recovery],
    )
    made = at.change(command, messages.KeyGenerated)
    table = {"operation": "generate", "application": options.generate, **_FIXED, **given, "ident": ident}
    lines = [f" {name:<12} {table[name]}" for name in _TABLE if name in table]
    path = at.folder / LOCAL / made.file.name
    return "\n".join(
        [
            f"{note}{MARK}",
            "key generation parameters:",
            *lines,
            "Key successfully generated.",
            f"Path to key: {path}",
            "",
        ]
    )


def _check(name: str, value: str) -> None:
    """Refuse what a parameter cannot be.

    Raises:
        Refused: InvalidParameter; InvalidHostDataIdentifier for the identifier.
    """
    from hsm_emulator.keys import check_parameter

    if name == "size":
        whole(value)
    if name in {"nvram", _RECOVERY} and value not in _YES:
        raise Refused(Status.INVALID_PARAMETER, f"{name} is yes or no, not {value!r}")
    if value != (only := _FIXED.get(name, value)):
        raise Refused(Status.INVALID_PARAMETER, f"{name}={value} is not modelled; only {name}={only}")
    check_parameter(name, value.lower() if name == "ident" else value)


def _protector(given: dict[str, str], at: Installation) -> str:
    """Return the name of the card set or softcard that protects the key; asked for where it is not given."""
    wanted = _PROTECTORS.get(given["protect"], "")
    for name in _PROTECTORS.values():
        if name in given and name != wanted:
            raise Refused(Status.INVALID_PARAMETER, f"{name} is for another protection than protect={given['protect']}")
    if not wanted:
        return ""
    if wanted not in given:
        given[wanted] = at.operator.line(f"{wanted}: ")
    if not given[wanted]:
        raise Refused(Status.INVALID_PARAMETER, f"protect={given['protect']} needs {wanted}=NAME")
    at.operator.show(f"Loading `{given[wanted]}':")
    return given[wanted]


def whole(text: str) -> int:
    """Return the size that a text names.

    Raises:
        Refused: InvalidParameter, it is no whole number of up to five digits.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= len("99999")):
        raise Refused(Status.INVALID_PARAMETER, f"{text!r} is no size of a key in bits")
    return int(text)


def _parameters(words: list[str]) -> dict[str, str]:
    given: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        known = {*_PARAMETERS, *_FIXED, _RECOVERY, *_PROTECTORS.values()}
        if not equals or name not in known:
            raise UsageError(f"{word!r} is no parameter; there are {', '.join(sorted(known))}")
        if name in given:
            raise UsageError(f"{name} is given twice")
        given[name] = value
    return given


def _add_nopclearfail(parser: Parser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    for words, mode in (
        (("-I", "--initialization"), Mode.INITIALIZATION),
        (("-O", "--operational"), Mode.OPERATIONAL),
        (("--maintenance",), Mode.MAINTENANCE),
    ):
        what.add_argument(*words, dest="mode", action="store_const", const=mode, help=f"change to {mode.value} mode")
    clear = "clear the module's memory and stay in its mode; one that failed comes back in operational mode"
    what.add_argument("-c", "--clear", action="store_true", help=clear)
    which = parser.add_mutually_exclusive_group()
    add_module(which)
    which.add_argument("-a", "--all", action="store_true", help="all modules, which is the one")
    parser.add_argument("--wait", action="store_true", help="wait for the module; it never takes time here")


def _add_new_world(parser: Parser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    for short, action, does in (
        ("-i", _INITIALIZE, "make a new Security World"),
        ("-l", _PROGRAM, "bring the module into the world whose file is in its folder"),
        ("-e", _FACTORY, "make the module forget its world, as it came"),
    ):
        what.add_argument(short, f"--{action}", dest="action", action="store_const", const=action, help=does)
    add_module(parser)
    add_world(parser)
    add_wait_limit(parser)


def _add_generatekey(parser: Parser) -> None:
    parser.add_argument("--generate", metavar="APP", required=True, help="the application: simple")
    parser.add_argument("parameters", metavar="NAME=VALUE", nargs="*", help="what is not given is asked for")
    add_module(parser)


TOOLS: Final = (
    Tool(
        name="nopclearfail",
        does="Clear the module, and change its mode",
        needs="a module in any mode; no cards",
        erases="what the module's memory held; keys and world stay",
        run=_nopclearfail,
        add=_add_nopclearfail,
    ),
    Tool(
        name="new-world",
        does="Make a Security World and its Administrator Card Set, or bring the module into one or out of it",
        needs=(
            "the module in initialization mode, which is waited for. To make one: N blank cards, each with a new "
            "passphrase. To program: a module in no world, the world's file in its folder, and K of its cards"
        ),
        erases=(
            "when it makes one: the world the module is in and all its keys, after asking; its files stay, in a folder "
            "local01 and so on beside local. With --factory: what the "
            "module holds of its world, its NVRAM and its counters, after asking; the world's files stay"
        ),
        interrupted="nfkminfo says whether there is a new world; where not, run it again with the same cards",
        run=_new_world,
        add=_add_new_world,
    ),
    Tool(
        name="generatekey",
        does="Generate a key that the module, a card set or a softcard protects",
        needs="a Security World; the module in operational mode; a card set's quorum, or a softcard's passphrase",
        interrupted="nfkminfo -k says whether the key is there; where not, run it again",
        run=_generatekey,
        add=_add_generatekey,
    ),
)
