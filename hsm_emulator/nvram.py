"""The module's NVRAM: named areas inside the tamper boundary, each with permissions of its own.

`silicon/<ESN>/nvram` is sealed under the module's device secret. It lasts as long as the module is in its world: a new
world, another world and an erased module have none of it. A module has no more than `CAPACITY` bytes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from hsm_emulator import acl, crypto, encoding
from hsm_emulator.acl import Acl, Group, NvMemOpPerms, NvRight
from hsm_emulator.errors import DamagedFile, Refused, Status, StoreBroken
from hsm_emulator.state import LOCAL, State, memory_key, parse, render
from hsm_emulator.unshown import Unshown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hsm_emulator.crypto import Draw
    from hsm_emulator.state import Memory

CAPACITY: Final = 65536
"""Bytes of all areas together; the real size is not public."""

NAME: Final = re.compile(r"[0-9a-z-]{1,11}")

SAVED_FIELDS: Final = frozenset({"name", "size", "sealed"})
"""The fields of a saved area."""

SAVED: Final = "nvram area"
"""The kind of file that a saved area is."""

_LABEL: Final = b"SIMULATED module nvram 1"


class Area(Unshown, frozen=True, kw_only=True):
    """An area: its bytes, as many as were allocated, and what may be done with them."""

    content: bytes
    acl: Acl


def permissions(hknv: str) -> Acl:
    """Return the permissions of an area: anybody reads and writes, a quorum for KNV frees."""
    use = NvMemOpPerms(rights=frozenset({NvRight.READ, NvRight.WRITE}))
    free = NvMemOpPerms(rights=frozenset({NvRight.FREE}))
    return Acl(groups=(Group(actions=(use,)), Group(actions=(free,), certifier=hknv, fresh=True)))


def key_permissions(hknv: str) -> Acl:
    """Return the permissions of an area that holds a key's blob: nobody writes."""
    use = NvMemOpPerms(rights=frozenset({NvRight.READ}))
    free = NvMemOpPerms(rights=frozenset({NvRight.FREE}))
    return Acl(groups=(Group(actions=(use,)), Group(actions=(free,), certifier=hknv, fresh=True)))


def recall(state: State) -> dict[str, Area]:
    """Return all areas by name.

    Raises:
        StoreBroken: the memory is changed or another module's: no crash does that.
    """
    content = state.files.get(_path(state))
    if content is None:
        return {}
    try:
        _, file = parse(content, "module nvram", frozenset({"sealed"}))
        sealed = encoding.untext(file["sealed"], "the NVRAM")
    except DamagedFile as damage:
        raise StoreBroken(f"the NVRAM is damaged: {damage.words}") from None
    opened = crypto.unseal(memory_key(state, _LABEL), sealed, _LABEL + state.esn.encode())
    if opened is None:
        raise StoreBroken("the NVRAM does not open under the module's device secret")
    return {name: _area(value) for name, value in encoding.decode(opened, "the NVRAM").items()}


def remember(state: State, areas: Mapping[str, Area], draw: Draw) -> State:
    """Return the state with these areas.

    Raises:
        Refused: InvalidParameter, they are more than the module has room for.
    """
    if (size := sum(len(area.content) for area in areas.values())) > CAPACITY:
        raise Refused(Status.INVALID_PARAMETER, f"the NVRAM has {CAPACITY} bytes, and {size} would be in it")
    content = {
        name: {"content": encoding.text(area.content), "acl": acl.to_data(area.acl)} for name, area in areas.items()
    }
    sealed = crypto.seal(memory_key(state, _LABEL), encoding.encode(content), _LABEL + state.esn.encode(), draw)
    return state.put({_path(state): render("module nvram", "", {"sealed": encoding.text(sealed)})})


def wipe(state: State) -> State:
    """Return the state without NVRAM."""
    return state.without(frozenset({_path(state)}))


def find(areas: Mapping[str, Area], name: str) -> Area:
    """Return an area.

    Raises:
        Refused: UnknownID, saying which there are.
    """
    if name not in areas:
        raise Refused(Status.UNKNOWN_ID, f"there is no NVRAM area {name!r}; there are: {', '.join(areas) or 'none'}")
    return areas[name]


def check_name(name: str) -> None:
    """Refuse a name no area can have.

    Raises:
        Refused: InvalidParameter.
    """
    if not NAME.fullmatch(name):
        raise Refused(Status.INVALID_PARAMETER, f"{name!r} is no area: 1 to 11 lower-case letters, digits and -")


def area_of_key(key_hash: str) -> str:
    """Return the name of the area that holds the blob of the key with this hash."""
    return f"k{key_hash[:10]}"


def saved_path(name: str) -> str:
    """Return where an area is saved."""
    return f"{LOCAL}nvram_{name}"


def save(state: State, memory: Memory, name: str, area: Area, draw: Draw) -> State:
    """Return the state with an area's copy in the world's folder, sealed under the module key."""
    content = encoding.encode({"content": encoding.text(area.content), "acl": acl.to_data(area.acl)})
    sealed = crypto.seal(_saved_key(memory), content, _saved_label(memory.hknso, name), draw)
    fields = {"name": name, "size": len(area.content), "sealed": encoding.text(sealed)}
    return state.put({saved_path(name): render(SAVED, memory.hknso, fields)})


def saved(state: State, memory: Memory, name: str) -> Area:
    """Return an area out of its saved copy.

    Raises:
        DamagedFile: it does not parse.
        Refused: UnknownID, there is none; UnknownKM, it is another world's; DecryptFailed, it was changed.
    """
    content = state.files.get(saved_path(name))
    if content is None:
        raise Refused(Status.UNKNOWN_ID, f"there is no saved copy of NVRAM area {name!r}")
    hknso, data = parse(content, SAVED, SAVED_FIELDS)
    if hknso != memory.hknso:
        raise Refused(Status.UNKNOWN_KM, f"the saved copy of NVRAM area {name} is of another Security World")
    sealed = encoding.untext(data["sealed"], "the saved area")
    opened = crypto.unseal(_saved_key(memory), sealed, _saved_label(hknso, name))
    if opened is None or data["name"] != name:
        raise Refused(Status.DECRYPT_FAILED, f"the saved copy of NVRAM area {name} was changed")
    return _area(encoding.decode(opened, "the saved area"))


def _area(value: object) -> Area:
    data: dict[str, Any] = encoding.fields(value, frozenset({"content", "acl"}), "an NVRAM area")
    return Area(content=encoding.untext(data["content"], "an NVRAM area"), acl=acl.from_data(data["acl"]))


def _path(state: State) -> str:
    return f"silicon/{state.esn}/nvram"


def _saved_key(memory: Memory) -> bytes:
    return crypto.hkdf(memory.module_key, b"SIMULATED saved nvram area 1")


def _saved_label(hknso: str, name: str) -> bytes:
    return b"SIMULATED saved nvram area 1\0" + encoding.encode([hknso, name])
