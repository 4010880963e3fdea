"""Tools for operators' card sets and softcards: `createocs` and `ppmk`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hsm_emulator import operator_messages as messages
from hsm_emulator.errors import Refused, Status
from hsm_emulator.pages import MARK
from hsm_emulator.tools.arguments import Tool, UsageError, add_json, add_module, demand_json, quorum, whole_number
from hsm_emulator.world_messages import Feature

if TYPE_CHECKING:
    from argparse import Namespace

    from hsm_emulator.tools.arguments import Parser
    from hsm_emulator.tools.installation import Installation


def _createocs(options: Namespace, at: Installation) -> str:
    if options.erase:
        from hsm_emulator.tools import erasing

        if options.quorum or options.name or options.persistent or options.timeout or options.no_pp_recovery:
            raise UsageError("--erase makes no card set, and takes nothing of one")
        return erasing.erase_cards(at, "createocs --erase")
    if options.quorum is None or options.name is None:
        raise UsageError("createocs needs --ocs-quorum and --name: nothing is assumed")
    k, n = options.quorum
    world = at.module().world
    command = messages.CreateCardSet(
        name=options.name,
        threshold=k,
        cards=n,
        persistent=options.persistent,
        timeout=options.timeout,
        recoverable=world is not None and world.has(Feature.PASSPHRASE_RECOVERY) and not options.no_pp_recovery,
    )
    at.operator.show(f"{MARK}\nCreating Cardset:")
    made = at.change(command, messages.CardSetCreated)
    return f"Card writing complete.\n\ncardset created; hkltu = {made.hkltu}\n"


def _ppmk(options: Namespace, at: Installation) -> str:
    demand_json(options, "list", "info")
    return {
        "new": _new,
        "list": _list,
        "info": _list,
        "check": _check,
        "change": _change,
        "delete": _delete,
        "recover": _recover,
    }[options.what](options, at)


def _new(options: Namespace, at: Installation) -> str:
    command = messages.CreateSoftcard(name=_one(options), recoverable=options.recoverable)
    made = at.change(command, messages.SoftcardCreated)
    return f"{MARK}\nNew softcard created: HKLTU {made.hkltu}\n"


def _list(options: Namespace, at: Installation) -> str:
    from hsm_emulator import operator_pages
    from hsm_emulator.tools.looking import json_page

    there = at.look(messages.ListOperators(), messages.OperatorsListed).softcards
    if options.what == "info":
        named = _one(options)
        there = tuple(made for made in there if named in {made.name, made.hkltu})
        if not there:
            raise Refused(Status.UNKNOWN_ID, f"there is no softcard {named!r}")
    elif options.name:
        raise UsageError("--list takes no name")
    if options.json:
        return json_page(softcards=there)
    return operator_pages.softcard_list(there)


def _check(options: Namespace, at: Installation) -> str:
    made = at.change(messages.CheckSoftcard(token=_one(options)), messages.SoftcardChecked)
    return f"{MARK}\nThe passphrase of softcard {made.hkltu} is right.\n"


def _change(options: Namespace, at: Installation) -> str:
    made = at.change(messages.ChangeSoftcard(token=_one(options)), messages.SoftcardChanged)
    return f"{MARK}\nThe passphrase of softcard {made.hkltu} was changed.\n"


def _delete(options: Namespace, at: Installation) -> str:
    name = _one(options)
    if at.operator.line(f"This deletes softcard {name}. Type yes: ") != "yes":
        raise Refused(Status.CANCELLED, "the softcard is kept; nothing was changed")
    made = at.change(messages.DeleteSoftcard(token=name), messages.SoftcardDeleted)
    return f"{MARK}\nSoftcard {made.hkltu} deleted.\n"


def _recover(options: Namespace, at: Installation) -> str:
    made = at.change(messages.RecoverSoftcard(token=_one(options)), messages.SoftcardRecovered)
    return f"{MARK}\nThe passphrase of softcard {made.hkltu} was replaced.\n"


def _one(options: Namespace) -> str:
    if not options.name:
        raise UsageError(f"--{options.what} needs the name or hash of a softcard")
    return str(options.name)


def _add_createocs(parser: Parser) -> None:
    add_module(parser)
    parser.add_argument("-Q", "--ocs-quorum", dest="quorum", metavar="K/N", type=quorum, help="K of N cards open it")
    parser.add_argument("-N", "--name", metavar="NAME", help="the set's name")
    stays = parser.add_mutually_exclusive_group()
    stays.add_argument("-p", "--persist", dest="persistent", action="store_true", help="keys stay when a card goes")
    stays.add_argument(
        "-P", "--no-persist", dest="persistent", action="store_false", help="keys go with the last card (the default)"
    )
    parser.add_argument(
        "-T", "--timeout", metavar="SECONDS", type=whole_number, default=0, help="how long it stays loaded; 0 for ever"
    )
    parser.add_argument(
        "-R",
        "--no-pp-recovery",
        action="store_true",
        help="its passphrases cannot be replaced",
    )
    parser.add_argument("-e", "--erase", action="store_true", help="erase cards instead, each after asking")


def _add_ppmk(parser: Parser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    for name, does in (
        ("new", "make a softcard"),
        ("list", "list all"),
        ("info", "list those of a name"),
        ("check", "check its passphrase"),
        ("change", "change its passphrase"),
        ("delete", "delete one that protects no key, after asking"),
        ("recover", "replace its passphrase without the old one, by the administrators"),
    ):
        what.add_argument(f"--{name}", dest="what", action="store_const", const=name, help=does)
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--recoverable", action="store_true", help="its passphrase can be replaced")
    kind.add_argument("--non-recoverable", action="store_true", help="it cannot (the default)")
    add_module(parser)
    add_json(parser)
    parser.add_argument("name", metavar="NAME", nargs="?", default="", help="the softcard's name or hash")


_NEEDS: Final = "a Security World; the module in operational mode"

TOOLS: Final = (
    Tool(
        name="createocs",
        does="Make an operator card set, or erase cards",
        needs=f"{_NEEDS}; N blank cards, each with a new passphrase; no administrator. To erase: what bulkerase needs",
        erases="nothing; with --erase the cards, as bulkerase does; never one of the world's own set",
        interrupted=(
            "nfkminfo -c says whether the set is there; where not, run it again with the same cards. With --erase, "
            "cardpp --examine says whether a card is blank"
        ),
        run=_createocs,
        add=_add_createocs,
    ),
    Tool(
        name="ppmk",
        does="Make, list, check, change, recover or delete softcards",
        needs=f"{_NEEDS}; no cards, but administrators' with --recover",
        erases="with --delete a softcard that protects no key, with --change and --recover the old passphrase",
        interrupted="ppmk --list says which there are, and ppmk --check which passphrase one has",
        run=_ppmk,
        add=_add_ppmk,
    ),
)
