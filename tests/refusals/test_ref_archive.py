"""Zips that a stranger made: each refused by its rule, in memory, with nothing written."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
import zlib
from typing import TYPE_CHECKING

import pytest

from runner.errors import StepFault
from runner.exchange import ArchiveUnpacked, FilesRefused, UnpackArchive
from runner.host import archive
from runner.host.disk import Disk
from runner.host.stations import Stations

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ITEMS = ("kek", "world")
CONTENT = {"kek": b"KEK" * 50, "world": b"WORLD" * 50}
LINK, FOLDER, DEVICE = 0o120777, 0o040755, 0o020666


def zipped(*more: tuple[str | zipfile.ZipInfo, bytes], without: str = "", method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of the two items and more."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", method) as file:
        warnings.simplefilter("ignore")  # about names that are there twice
        for name, content in CONTENT.items():
            if name != without:
                file.writestr(name, content)
        for item, content in more:
            file.writestr(item, content)
    return buffer.getvalue()


def special(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, mode << 16
    return info


def patched(content: bytes, *, local: int, central: int, value: bytes, which: int = 0) -> bytes:
    """Put bytes at an offset of the local and of the central header of one member."""
    changed = bytearray(content)
    for signature, offset in ((b"PK\3\4", local), (b"PK\1\2", central)):
        start = -1
        for _ in range(which + 1):
            start = content.index(signature, start + 1)
        changed[start + offset : start + offset + len(value)] = value
    return bytes(changed)


def encrypted() -> bytes:
    return patched(zipped(), local=6, central=8, value=struct.pack("<H", 1))


def damaged() -> bytes:
    content = bytearray(zipped(method=zipfile.ZIP_STORED))
    content[content.index(b"KEKKEK")] ^= 1
    return bytes(content)


def declared(size: int, *, crc: int | None = None) -> bytes:
    """The first item declares another size than it has; with `crc`, another check sum too."""
    content = patched(zipped(), local=22, central=24, value=struct.pack("<I", size))
    return content if crc is None else patched(content, local=14, central=16, value=struct.pack("<I", crc))


def bomb(*, honest: bool) -> bytes:
    """100 MB of zeros in 100 kB: said so, or said to be 10 bytes whose check sum is right."""
    content = zipped(("bomb", bytes(100_000_000)))
    if honest:
        return content
    lies = patched(content, local=22, central=24, value=struct.pack("<I", 10), which=2)
    return patched(lies, local=14, central=16, value=struct.pack("<I", zlib.crc32(bytes(10))), which=2)


WITH_BOMB = (*ITEMS, "bomb")

REFUSED: dict[str, tuple[Callable[[], bytes], str, tuple[str, ...]]] = {
    "absolute": (lambda: zipped(("/etc/passwd", b"x")), "ART012", ITEMS),
    "two dots": (lambda: zipped(("../kek", b"x")), "ART012", ITEMS),
    "two dots inside": (lambda: zipped(("a/../../kek", b"x")), "ART012", ITEMS),
    "only two dots": (lambda: zipped(("..", b"x")), "ART012", ITEMS),
    "only a dot": (lambda: zipped((".", b"x")), "ART012", ITEMS),
    "drive": (lambda: zipped(("C:kek", b"x")), "ART012", ITEMS),
    "drive and backslash": (lambda: zipped(("C:\\kek", b"x")), "ART012", ITEMS),
    "share": (lambda: zipped(("\\\\host\\kek", b"x")), "ART012", ITEMS),
    "backslash": (lambda: zipped(("a\\kek", b"x")), "ART012", ITEMS),
    "backslash and two dots": (lambda: zipped(("..\\kek", b"x")), "ART012", ITEMS),
    "stream": (lambda: zipped(("kek:hidden", b"x")), "ART012", ITEMS),
    "in a folder": (lambda: zipped(("tools/kek", b"x")), "ART012", ITEMS),
    "a folder": (lambda: zipped(("tools/", b"")), "ART012", ITEMS),
    "cut at a NUL": (lambda: zipped(("kek2", b"x")).replace(b"kek2", b"kek\0"), "ART012", ITEMS),
    "link": (lambda: zipped((special("link", LINK), b"/etc/passwd")), "ART013", (*ITEMS, "link")),
    "folder by its mode": (lambda: zipped((special("dir", FOLDER), b"")), "ART013", (*ITEMS, "dir")),
    "device": (lambda: zipped((special("tty", DEVICE), b"")), "ART013", (*ITEMS, "tty")),
    "twice": (lambda: zipped(("kek", b"other")), "ART014", ITEMS),
    "twice but for the case": (lambda: zipped(("KEK", b"other")), "ART014", (*ITEMS, "KEK")),
    "missing": (lambda: zipped(without="world"), "ART015", ITEMS),
    "empty": (lambda: zipped()[-22:][:8] + bytes(14), "ART015", ITEMS),
    "extra": (lambda: zipped(("autorun.inf", b"x")), "ART016", ITEMS),
    "encrypted": (encrypted, "ART011", ITEMS),
    "damaged": (damaged, "ART011", ITEMS),
    "cut short": (lambda: zipped()[:-30], "ART011", ITEMS),
    "not a zip": (lambda: b"MZ\x90\0" * 100, "ART011", ITEMS),
    "no bytes": (lambda: b"", "ART011", ITEMS),
    "longer than it says": (lambda: declared(10), "ART011", ITEMS),
    "longer than it says, with the check sum of what it says": (
        lambda: declared(10, crc=zlib.crc32(CONTENT["kek"][:10])),
        "ART011",
        ITEMS,
    ),
    "shorter than it says": (lambda: declared(1000), "ART011", ITEMS),
    "bomb": (lambda: bomb(honest=True), "ART017", WITH_BOMB),
    "bomb in disguise": (lambda: bomb(honest=False), "ART011", WITH_BOMB),
    "bzip2": (lambda: zipped(method=zipfile.ZIP_BZIP2), "ART011", ITEMS),
    "lzma": (lambda: zipped(method=zipfile.ZIP_LZMA), "ART011", ITEMS),
    "an unknown method": (lambda: patched(zipped(), local=8, central=10, value=b"\x63\0"), "ART011", ITEMS),
}


def stations(place: Path) -> Stations:
    (place / "offline").mkdir()
    return Stations(Disk(), stations={"offline": place / "offline"}, media={}, device_stores={}, publisher=Nothing())


class Nothing:
    """A publisher that has nothing."""

    def publish(self, file: str) -> bytes | None:
        raise AssertionError(file)


def asked(items: tuple[str, ...]) -> UnpackArchive:
    return UnpackArchive(file="toolset.zip", at="offline", items=items)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED], ids=["stored", "deflated"])
def test_what_is_as_it_should_be_is_unpacked(tmp_path: Path, method: int) -> None:
    files = stations(tmp_path)
    (tmp_path / "offline" / "toolset.zip").write_bytes(zipped(method=method))
    reply = files.perform(asked(ITEMS))
    assert isinstance(reply, ArchiveUnpacked)
    assert [item.file for item in reply.items] == list(ITEMS)
    assert {name: (tmp_path / "offline" / name).read_bytes() for name in ITEMS} == CONTENT


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_not_is_refused_and_nothing_is_written(tmp_path: Path, what: str) -> None:
    make, rule, items = REFUSED[what]
    content = make()
    with pytest.raises(StepFault) as caught:
        archive.unpack(content, items)
    assert caught.value.rule == rule
    files = stations(tmp_path)
    (tmp_path / "offline" / "toolset.zip").write_bytes(content)
    reply = files.perform(asked(items))
    assert isinstance(reply, FilesRefused)
    assert reply.rule == rule
    assert [str(path.relative_to(tmp_path)) for path in sorted(tmp_path.rglob("*"))] == [
        "offline",
        "offline/toolset.zip",
    ]
    assert (tmp_path / "offline" / "toolset.zip").read_bytes() == content


def test_a_bomb_in_disguise_is_not_held_in_memory() -> None:
    """It says 10 bytes and would be 100 MB; what is unpacked of it stays small."""
    import tracemalloc

    content = bomb(honest=False)
    tracemalloc.start()
    try:
        with pytest.raises(StepFault):
            archive.unpack(content, WITH_BOMB)
        _now, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 2_000_000


@pytest.mark.parametrize(
    "names",
    [
        ["\x1b[2Jgone"],
        ["del\x7fete"],
        ["line\nfeed"],
        ["right\u202eleft"],
        ["n" * 60_000],
        [f"extra-{number}" for number in range(20_000)],
    ],
    ids=["escape", "delete", "line feed", "bidirectional", "long", "many"],
)
def test_what_is_said_of_a_strangers_names_is_short_and_shows(names: list[str]) -> None:
    """The words become an entry of the log and a line of the room's screen."""
    content = zipped(*((name, b"") for name in names))
    with pytest.raises(StepFault) as caught:
        archive.unpack(content, ITEMS)
    assert caught.value.rule == "ART016"
    assert len(caught.value.words) < 1000
    assert caught.value.words.isprintable()


def test_no_zip_damaged_in_one_byte_is_anything_but_good_or_refused() -> None:
    """Every byte in turn: the items come out right, or a rule says why not; nothing else is ever raised."""
    whole = zipped(method=zipfile.ZIP_STORED)
    rules: set[str] = set()
    for place in range(len(whole)):
        for value in (whole[place] ^ 1, whole[place] ^ 0x80, 0xFF):
            try:
                found = archive.unpack(whole[:place] + bytes([value]) + whole[place + 1 :], ITEMS)
            except StepFault as fault:
                rules.add(fault.rule)
            else:
                assert found == CONTENT
    assert {"ART011", "ART015"} <= rules <= {f"ART01{number}" for number in range(1, 8)}
