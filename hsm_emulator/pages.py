"""The pages of the inspection tools. Where the vendor's layout is not public it is the emulator's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hsm_emulator import (
    acl,
    cards,
    crypto,
    keyfile,
    limits,
    nvram,
    operator_cards,
    ram,
    softcards,
    verdict,
    worlds,
)
from hsm_emulator.acl import OpPermissions, Right
from hsm_emulator.errors import DamagedFile
from hsm_emulator.facts import Mode
from hsm_emulator.messages import InspectKey, KeyInspected
from hsm_emulator.state import demand, kind_of, parse, recall
from hsm_emulator.world_messages import Feature, WorldMode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hsm_emulator.acl import Group
    from hsm_emulator.keyfile import KeyFile, Loaded
    from hsm_emulator.messages import ModuleState
    from hsm_emulator.state import State
    from hsm_emulator.verdict import Verdict
    from hsm_emulator.world_messages import WorldFact

MARK: Final = "SIMULATED HSM. No genuine device or key is behind this page."
SEVERAL: Final = "several"
SHOWN: Final = 64
"""The longest text that a dump shows."""

_FLAGS: Final = {
    "Recovery": Feature.RECOVERY,
    "PINRecovery": Feature.PASSPHRASE_RECOVERY,
    "RTC": Feature.CLOCK,
    "NVRAM": Feature.NVRAM,
    "FTO": Feature.FOREIGN_TOKENS,
    "SEEDebug": Feature.SEE_DEBUG,
}
"""Features by their names in nfkminfo's state line."""

_HASHES: Final = ("hkm", "hkre", "hkra", "hkmc", "hkp", "hkrtc", "hknv", "hkdsee", "hkfto", "hkfips")
"""The order of the hashes in nfkminfo (research, grade R)."""


def inspect_key(state: State, command: InspectKey, now_ms: int) -> KeyInspected:
    """Show a key's permissions, from its authenticated blob, if they allow that.

    Raises:
        Refused: InvalidState, UnknownKey, UnknownKM, KeyNotLoaded, DecryptFailed, AccessDenied.
    """
    memory = recall(state)
    demand(memory, Mode.OPERATIONAL, "aclprint")
    tokens = ram.recall(state).secrets(now_ms)
    key = keyfile.open_key(state, memory, command.app, command.ident, tokens)
    show = OpPermissions(rights=frozenset({Right.GET_ACL}))
    acl.authorise(key.acl, show, presented=frozenset(), esn=state.esn, used=memory.used)
    own = frozenset([key.file.hkm, key.file.under, *(str(hkre) for hkre in key.file.recovery[:1])])
    found = verdict.judge(key.acl, recovery=bool(key.file.recovery), own=own, used=memory.used)
    return KeyInspected(
        key_hash=key.file.hash,
        exportable=found.exportable,
        recoverable=found.recoverable,
        archive_to=_one(key.acl.archives_under()),
        blob_to=_one(key.acl.blobs_under()),
        rights=tuple(sorted(key.acl.rights())),
        transferable=found.transferable,
        acl=acl_page(key, found),
        dump=dump_page(key.file, state.files[key.file.path]),
    )


def acl_page(key: Loaded, found: Verdict) -> str:
    """Return the page of `aclprint`; its last line is derived from the others."""
    lines = [
        MARK,
        f"key_{key.file.app}_{key.file.ident}",
        f"  key hash      {key.file.hash}",
        f"  world hknso   {key.file.hknso}",
        f"  protection    {protection(key.file.protect, key.file.hkltu)}",
    ]
    for place, group in enumerate(key.acl.groups, start=1):
        lines += [f"  group {place}", *_group_lines(group)]
    return "\n".join([*lines, f"  {found.line}", ""])


def dump_page(file: KeyFile, content: bytes) -> str:
    """Return the page of `kmfile-dump` for a key file; what it says is not authenticated."""
    recovery = f"under hkre {file.recovery[0]}" if file.recovery else "none"
    lines = [
        MARK,
        f"key_{file.app}_{file.ident}: {len(content)} bytes, SHA-256 {crypto.sha256(content).hex()}",
        f"  world hknso   {file.hknso}",
        f"  plainname     {file.plainname}",
        f"  type          {keyfile.KEY_TYPE} {file.size}",
        f"  key hash      {file.hash}",
        f"  protection    {protection(file.protect, file.hkltu)}",
        f"  working blob  under {'hkltu' if file.hkltu else 'hkm'} {file.under}, {_size_of(file)}",
        f"  recovery blob {recovery}",
        f"  certificate   key generation {file.certificate.body['counter']} of module {file.certificate.body['esn']}",
        f"  authority     {'signed by KNSO' if file.authority else 'none'}",
        "",
    ]
    return "\n".join(lines)


def protection(protect: str, hkltu: str) -> str:
    """Return what protects a key, in the operator's words."""
    return f"{'card set' if protect == keyfile.CARDS else protect} {hkltu}".rstrip()


def file_page(name: str, content: bytes) -> str:
    """Return the page of `kmfile-dump` for any file outside `silicon/`; what it says is not authenticated.

    Raises:
        DamagedFile: it does not parse.
    """
    kind, hknso, data = _read(content)
    if kind == "key":
        return dump_page(keyfile.parse_file(content), content)
    lines = [MARK, f"{name}: {kind}, {len(content)} bytes, SHA-256 {crypto.sha256(content).hex()}"]
    lines += [f"  world hknso   {hknso or 'none'}", *_value_lines(data, "  "), ""]
    return "\n".join(lines)


def file_facts(name: str, content: bytes) -> dict[str, Any]:
    """Return what such a file says as JSON data, sizes in bytes.

    Raises:
        DamagedFile: it does not parse.
    """
    kind, hknso, data = _read(content)
    facts = {"name": name, "kind": kind, "size": len(content), "sha256": crypto.sha256(content).hex()}
    return {**facts, "hknso": hknso, "fields": data}


def owner(content: bytes) -> tuple[str, str]:
    """Return kind and hknso ("" for none) of a file outside `silicon/`, all of it parsed.

    Raises:
        DamagedFile: it does not parse.
    """
    kind, hknso, _ = _read(content)
    return kind, hknso


def _read(content: bytes) -> tuple[str, str, dict[str, Any]]:
    kind = kind_of(content)
    if kind == "key":
        file = keyfile.parse_file(content)
        return kind, file.hknso, file.content()
    names = _SHOWN_FIELDS.get(kind)
    if names is None:
        raise DamagedFile(f"a {kind} file is not shown")
    return kind, *parse(content, kind, names)


_SHOWN_FIELDS: Final = {
    "world": worlds.FIELDS,
    "module": worlds.MODULE_FIELDS,
    "card": cards.FIELDS,
    operator_cards.KIND: operator_cards.FIELDS,
    operator_cards.CARD_KIND: operator_cards.CARD_FIELDS,
    softcards.KIND: softcards.FIELDS,
    nvram.SAVED: nvram.SAVED_FIELDS,
}
"""The fields of each kind of file that is shown as it is."""


def module_page(module: ModuleState) -> str:
    """Return the page of `enquiry`: what answers, and the module."""
    answers = [
        "  enquiry reply flags   none",
        "  enquiry reply level   Six",
        f"  serial number         {module.esn}",
    ]
    lines = [
        MARK,
        "Server:",
        *answers,
        f"  mode                  {Mode.OPERATIONAL.value}",
        "  product name          SIMULATED server",
        "",
        "Module #1:",
        *answers,
        f"  mode                  {module.mode.value}",
        "  product name          SIMULATED HSM",
        f"  hardware status       {'Failed' if module.mode is Mode.FAILED else 'OK'}",
        f"  receipts              {module.audit_size}, head {module.audit_head}",
        "",
    ]
    return "\n".join(lines)


def world_page(module: ModuleState, parts: Sequence[str]) -> str:
    """Return the page of `nfkminfo`: the world, its module's parts, cards, keys and files."""
    lines = [MARK, "World", f"  state         {' '.join(_flags(module))}"]
    lines += [f"  hknso         {module.hknso or 'none'}", *_world_lines(module.world)]
    lines += parts
    lines.append(f"Cards - {len(module.cards)} administrator cards")
    lines += [f"  #{card.number:<12} {card.serial}" for card in module.cards]
    lines += _key_lines(module)
    lines.append(f"Files - {len(module.files)}")
    lines += [f"  {file.sha256} {file.size:>7} {file.name}" for file in module.files]
    return "\n".join([*lines, ""])


def _flags(module: ModuleState) -> list[str]:
    """Return the tokens of nfkminfo's state line; ! before one says that it is not so."""
    world = module.world
    so = {"Initialised": bool(module.hknso), "Usable": module.usable}
    if world is not None:
        so |= {flag: world.has(feature) for flag, feature in _FLAGS.items()}
        so["StrictFIPS140"] = world.mode is WorldMode.FIPS_140_LEVEL_3
    return [flag if is_so else f"!{flag}" for flag, is_so in so.items()]


def _world_lines(world: WorldFact | None) -> list[str]:
    if world is None:
        return []
    hashes, quora = dict(world.hashes), [f"{feature}={k}" for feature, k in world.features if k != world.threshold]
    shown: dict[str, str] = {name: hashes[name] for name in _HASHES if name in hashes}
    shown |= {"k-out-of-n": f"{world.threshold}/{world.cards}", "other quora": " ".join(quora) or "none"}
    shown |= {"nso timeout": f"{world.nso_timeout} s", "ciphersuite": world.suite, "mode": world.mode.value}
    return [f"  {name:<13} {value}" for name, value in shown.items()]


def key_list(module: ModuleState) -> str:
    """Return the page of `nfkminfo -k`."""
    return "\n".join([MARK, *_key_lines(module), ""])


def statistics_page(counters: Mapping[str, int]) -> str:
    """Return the page of `stattree`."""
    lines = [MARK, "+PerModule:", "   +#1:", *(f"      -{name:<10} {count}" for name, count in counters.items()), ""]
    return "\n".join(lines)


def check_page(module: ModuleState) -> str:
    """Return the page of `nfkmcheck` for a world in which all is well."""
    lines = [MARK, f"{len(module.files)} files and {len(module.keys)} keys belong to world {module.hknso}"]
    if not module.usable:
        lines.append(f"the world is not usable: the module is in {module.mode.value} mode")
    return "\n".join([*lines, ""])


def _size_of(file: KeyFile) -> str:
    return f"{len(file.working)} bytes" if file.working else f"in NVRAM area {nvram.area_of_key(file.hash)}"


def _key_lines(module: ModuleState) -> list[str]:
    lines = [f"Key list - {len(module.keys)} keys"]
    for key in module.keys:
        by = protection(key.protect, key.hkltu)
        lines.append(f" AppName {key.app:<20} Ident {key.ident:<40} hash {key.key_hash} protected by {by}")
    return lines


def _value_lines(value: object, indent: str) -> list[str]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    lines = []
    for name, item in items:
        if isinstance(item, dict | list):
            lines += [f"{indent}{name}:", *_value_lines(item, indent + "  ")]
        else:
            shown = f"({len(item)} characters)" if isinstance(item, str) and len(item) > SHOWN else item
            lines.append(f"{indent}{name}: {'none' if shown is None else shown}")
    return lines


def _group_lines(group: Group) -> list[str]:
    lines = []
    if group.certifier:
        lines.append(f"    needs a {'fresh ' if group.fresh else ''}certificate of {group.certifier}")
    if group.module:
        lines.append(f"    needs module {group.module}")
    if group.limit is not None:
        lines.append(f"    {limits.describe(group.limit)}")
    return lines + [f"    may {acl.describe(action)}" for action in group.actions]


def _one(hashes: frozenset[str]) -> str:
    if len(hashes) > 1:
        return SEVERAL
    return next(iter(hashes), "")
