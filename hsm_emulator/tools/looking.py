"""Tools that look at a device, its world and its files, and change nothing; but `slotinfo --format`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from msgspec import to_builtins
from msgspec.structs import replace

from hsm_emulator import operator_pages, pages
from hsm_emulator.errors import DamagedFile, Refused, Status
from hsm_emulator.tools.arguments import Tool, UsageError, add_json, add_module, whole_number

if TYPE_CHECKING:
    from argparse import Namespace

    from hsm_emulator.messages import KeyInspected, ModuleState
    from hsm_emulator.operator_messages import OperatorsListed
    from hsm_emulator.tools.arguments import Parser
    from hsm_emulator.tools.installation import Installation

_SLOT: Final = 0
"""The number of the module's own slot."""

_COUNTERS: Final = ("receipts", "keys", "cards", "files")


def json_page(**facts: object) -> str:
    """Return facts, records among them, as one JSON object that says what it is."""
    return json.dumps(to_builtins({"simulated": True, **facts}), indent=1, sort_keys=True) + "\n"


def _enquiry(options: Namespace, at: Installation) -> str:
    module = at.module()
    return json_page(module=module) if options.json else pages.module_page(module)


def _nfkminfo(options: Namespace, at: Installation) -> str:
    if options.operators:
        return _operator_list(options, at)
    module = at.module()
    if options.keys is None:
        now, hkml = _operators(at), _hkml(at, module)
        if options.json:
            return json_page(module=module, hkml=hkml, slot=now.slot, loaded=now.loaded)
        parts = operator_pages.module_lines(module, hkml, now.slot)
        return pages.world_page(module, parts) + operator_pages.loaded_lines(now.loaded)
    if len(options.keys) > len(("APP", "IDENT")):
        raise Refused(Status.INVALID_PARAMETER, "-k takes an application and an identifier, no more")
    wanted = dict(zip(("app", "ident"), options.keys, strict=False))
    keys = [key for key in module.keys if wanted.items() <= to_builtins(key).items()]
    if wanted and not keys:
        there = ", ".join(f"{key.app} {key.ident}" for key in module.keys) or "none"
        raise Refused(Status.UNKNOWN_KEY, f"there is no key {' '.join(options.keys)}; there are: {there}")
    if options.json:
        return json_page(keys=keys)
    return pages.key_list(replace(module, keys=tuple(keys)))


def _hkml(at: Installation, module: ModuleState) -> str:
    """Return the hash of the module's signing key, "" where its file is not there or not as it was made."""
    from hsm_emulator import attestation, crypto, encoding, worlds
    from hsm_emulator.attestation import Kind
    from hsm_emulator.state import parse

    name = f"module_{module.esn}"
    if all(file.name != name for file in module.files):
        return ""
    try:
        _, data = parse(at.local(name), "module", worlds.MODULE_FIELDS)
        body = attestation.from_data(data["module_state"], Kind.MODULE_STATE).body
        return crypto.key_hash("kml", encoding.untext(body["kml"], "KML"))
    except DamagedFile:
        return ""


def _operator_list(options: Namespace, at: Installation) -> str:
    there = _operators(at)
    if options.operators == "cardsets":
        sets = there.card_sets
        return json_page(cardsets=sets) if options.json else operator_pages.card_set_list(sets)
    cards = there.softcards
    return json_page(softcards=cards) if options.json else operator_pages.softcard_list(cards)


def _operators(at: Installation) -> OperatorsListed:
    from hsm_emulator import operator_messages

    return at.look(operator_messages.ListOperators(), operator_messages.OperatorsListed)


def _slotinfo(options: Namespace, at: Installation) -> str:
    from hsm_emulator import remote

    if options.format:
        return _format(options, at)
    esn = at.module().esn
    listed = remote.parse(at.beside(remote.PATH))
    if options.slot is not None and options.slot > listed.slots:
        raise Refused(Status.INVALID_PARAMETER, f"module 1 has no slot {options.slot}; the last is {listed.slots}")
    slot = _operators(at).slot
    wanted = range(listed.slots + 1) if options.slot is None else (options.slot,)
    if options.json:
        local = {"slot": _SLOT, "type": "Smartcard", **to_builtins(slot)}
        afar = [{"slot": number, "type": "Smartcard", "flags": "RD"} for number in wanted if number != _SLOT]
        return json_page(module=esn, slots=[local, *afar] if _SLOT in wanted else afar)
    return operator_pages.slot_page(slot, wanted)


def _format(options: Namespace, at: Installation) -> str:
    from hsm_emulator.tools import erasing

    if options.json or options.slot not in {None, _SLOT}:
        raise UsageError("--format is for the card in slot 0, and has no --json")
    return erasing.format_card(at)


def _stattree(options: Namespace, at: Installation) -> str:
    module = at.module()
    counts = (module.audit_size, len(module.keys), len(module.cards), len(module.files))
    tree = dict(zip(_COUNTERS, counts, strict=True))
    return json_page(PerModule={"1": tree}) if options.json else pages.statistics_page(tree)


def _aclprint(options: Namespace, at: Installation) -> str:
    shown = inspect(at, options.app, options.ident)
    return json_page(key=acl_facts(shown)) if options.json else shown.acl


def inspect(at: Installation, app: str, ident: str) -> KeyInspected:
    """Return a key's permissions, out of its authenticated blob.

    Raises:
        Refused: InvalidState, UnknownKey, AccessDenied.
    """
    from hsm_emulator import messages

    return at.look(messages.InspectKey(app=app, ident=ident), messages.KeyInspected)


def acl_facts(shown: KeyInspected) -> dict[str, Any]:
    """Return what is known of a key's permissions, without the pages."""
    return {name: value for name, value in to_builtins(shown).items() if name not in {"acl", "dump"}}


def _kmfile_dump(options: Namespace, at: Installation) -> str:
    named = [(at.path(text).name, at.read(text)) for text in options.file]
    if options.json:
        return json_page(files=[pages.file_facts(name, content) for name, content in named])
    return "".join(pages.file_page(name, content) for name, content in named)


def _nfkmverify(options: Namespace, at: Installation) -> str:
    from hsm_emulator.tools import attested

    keys = attested.verify(at, options.app, options.ident)
    if options.json:
        return json_page(keys=keys)
    return attested.page(keys, _operators(at))


def _nfkmcheck(options: Namespace, at: Installation) -> str:
    from hsm_emulator.tools import attested

    module = at.module()
    if not module.hknso:
        raise Refused(Status.UNKNOWN_ID, "there is no Security World")
    for file in module.files:
        kind, hknso = pages.owner(at.local(file.name))
        if hknso != module.hknso:
            raise DamagedFile(f"the {kind} file {file.name} is of another Security World")
    tokens = {"", *(made.hkltu for made in _operators(at).tokens)}
    if lost := [f"{key.app} {key.ident}" for key in module.keys if key.hkltu not in tokens]:
        raise DamagedFile(f"the file of what protects {', '.join(lost)} is missing or not as it was made")
    keys = attested.verify(at, "", "")
    if options.json:
        return json_page(hknso=module.hknso, files=len(module.files), keys=len(keys), usable=module.usable)
    return pages.check_page(module)


def _add_nfkminfo(parser: Parser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument("-w", "--world-info", action="store_true", help="the world (the default)")
    what.add_argument(
        "-k", "--key-list", dest="keys", nargs="*", metavar="APP IDENT", help="keys: all, an application's, or one"
    )
    for words, kind in ((("-c", "--cardset-list"), "cardsets"), (("-s", "--softcard-list"), "softcards")):
        what.add_argument(*words, dest="operators", action="store_const", const=kind, help=f"the {kind} of operators")
    add_module(parser)
    add_json(parser)


def _add_slotinfo(parser: Parser) -> None:
    add_module(parser)
    parser.add_argument("-s", "--slot", metavar="SLOT", type=whole_number, help="the slot (default: all)")
    parser.add_argument("--format", action="store_true", help="make the card in slot 0 blank, after asking")
    add_json(parser)


def _add_key(parser: Parser) -> None:
    parser.add_argument("app", metavar="APP", help="the application, such as simple")
    parser.add_argument("ident", metavar="IDENT", help="the identifier")
    add_json(parser)


def _add_keys(parser: Parser) -> None:
    parser.add_argument("app", metavar="APP", nargs="?", default="", help="the application; all keys without it")
    parser.add_argument("ident", metavar="IDENT", nargs="?", default="", help="the identifier")
    add_json(parser)


def _add_files(parser: Parser) -> None:
    parser.add_argument("file", metavar="FILE", nargs="+", help="the file, also as %%NFAST_KMDATA%%\\local\\NAME")
    add_json(parser)


_ANY: Final = "a module in any mode; no cards"

TOOLS: Final = (
    Tool(name="enquiry", does="Show the module", needs=_ANY, run=_enquiry, add=add_json),
    Tool(
        name="nfkminfo",
        does="Show the Security World, its cards and keys",
        needs=_ANY,
        run=_nfkminfo,
        add=_add_nfkminfo,
    ),
    Tool(
        name="slotinfo",
        does="Show the card slots, or make the card in slot 0 blank",
        needs=f"{_ANY}; to make one blank, the card, and otherwise what bulkerase needs",
        erases="with --format the card, as bulkerase does; never one of the world's own set",
        interrupted="cardpp --examine says whether the card is blank",
        run=_slotinfo,
        add=_add_slotinfo,
    ),
    Tool(name="stattree", does="Show the module's counters", needs=_ANY, run=_stattree, add=add_json),
    Tool(
        name="nfkmverify",
        does="Check who made the keys: their certificates, up to the emulated maker",
        needs="a Security World; the module in any mode; no cards",
        run=_nfkmverify,
        add=_add_keys,
    ),
    Tool(
        name="nfkmcheck",
        does="Check that all files of the Security World belong together",
        needs="a Security World; the module in any mode; no cards",
        run=_nfkmcheck,
        add=add_json,
    ),
    Tool(
        name="aclprint",
        does="Show a key's permissions, out of its authenticated blob",
        needs="a Security World; the module in operational mode; no cards",
        run=_aclprint,
        add=_add_key,
    ),
    Tool(
        name="kmfile-dump",
        does="Show what world, module, key or card files say, which is not authenticated",
        needs="the files; no module, no cards",
        run=_kmfile_dump,
        add=_add_files,
    ),
)
