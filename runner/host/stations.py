"""The files of the stations and media this machine plays, one folder each.

Files are made exclusively and never overwritten; one that is there with exactly the right bytes is done, so the same
request again changes nothing. What a disk refuses becomes `FilesRefused`, which names files by station or medium: it
stands in the record, where folders of a machine have no place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from runner.errors import CeremonyError, PlaybookFault, StepFault
from runner.exchange import (
    ArchiveUnpacked,
    BackUpFile,
    CarryFile,
    FileArrived,
    FileRequest,
    FilesRefused,
    LookAtFile,
    ObtainFile,
    UnpackArchive,
    UnpackedItem,
)
from runner.host.archive import unpack

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from runner.backends.interface import Publisher
    from runner.host.disk import Disk, FileFacts


class Stations:
    """Answers every file request.

    Args:
        disk: the only way to files.
        stations: the folder of each station, by id.
        media: the folder of each medium, by id.
        device_stores: where the world's files are, by the station of the device.
        publisher: where published files come from.
        stand_in: whether a file that people were to put somewhere is made up; only in scripted rehearsals.
    """

    def __init__(
        self,
        disk: Disk,
        *,
        stations: Mapping[str, Path],
        media: Mapping[str, Path],
        device_stores: Mapping[str, Path],
        publisher: Publisher,
        stand_in: bool = False,
    ) -> None:
        self._disk = disk.calling(self._called)
        self._stations = stations
        self._media = media
        self._device_stores = device_stores
        self._publisher = publisher
        self._stand_in = stand_in

    def _called(self, path: Path) -> str:
        """Return what a file, or the folder of one, is called in words that anybody may read."""
        for places in (self._stations, self._media, self._device_stores):
            for place, folder in places.items():
                if path == folder:
                    return place
                if path.parent == folder:
                    return f"{path.name} at {place}"
        return path.name

    def path(self, at: str, file: str) -> Path:
        """Return where a file of a station is."""
        return self._stations[at] / file

    def arrive(self, store: str, at: str, file: str, facts: FileFacts) -> None:
        """Make sure that a file which the log has at a station of this machine is there, from a medium where need be.

        Raises:
            StepFault: RUN021, it is not what it was, and no medium has it as it was.
        """
        path = self._source(store, at, file)
        if not self._disk.exists(path):
            for medium in self._media.values():
                carried = medium / file
                if self._disk.exists(carried) and self._disk.hash_file(carried) == facts:
                    self._disk.copy_new(carried, path)
                    return
            raise StepFault(f"{file} is not at {at}, and no medium here has it as it was", rule="RUN021")
        if self._disk.hash_file(path) != facts:
            raise StepFault(f"{file} at {at} is not what it was when it was made", rule="RUN021")

    def require_brought(self, at: str, file: str, sha256: str, at_most: int) -> None:
        """ART010: look that a file which a ceremony begins with is at a station of this machine, as the plan has it.

        Raises:
            PlaybookFault: it is not there, larger than planned, or another one.
        """
        path = self.path(at, file)
        if not self._disk.exists(path):
            raise PlaybookFault(f"{file} is not at {at}, and the plan begins with it there", rule="ART010")
        facts = self._disk.hash_file(path)
        if facts.sha256 != sha256 or facts.size > at_most:
            words = f"{file} at {at} has {facts.size} bytes, digest {facts.sha256}; the plan begins with {sha256}"
            raise PlaybookFault(words, rule="ART010")

    def read(self, at: str, file: str) -> bytes:
        """Return the bytes of a file of a station."""
        return self._disk.read(self.path(at, file))

    def write_new(self, at: str, file: str, content: bytes) -> FileArrived | FilesRefused:
        """Make a new file of a station, and read it back."""
        try:
            return self._write(self.path(at, file), content)
        except CeremonyError as fault:
            return FilesRefused(rule=fault.rule or "RUN030", words=fault.words)

    def perform(self, request: FileRequest) -> FileArrived | ArchiveUnpacked | FilesRefused:
        """Answer a request."""
        try:
            match request:
                case ObtainFile():
                    return self._obtain(request)
                case CarryFile():
                    return self._carry(request)
                case BackUpFile():
                    source = self._source(request.store, request.at, request.file)
                    return self._copy(source, self._media[request.medium] / request.file)
                case UnpackArchive():
                    return self._unpack(request)
                case LookAtFile():
                    return self._look(request)
                case _:
                    assert_never(request)
        except CeremonyError as fault:
            return FilesRefused(rule=fault.rule or "RUN030", words=fault.words)

    def _source(self, store: str, at: str, file: str) -> Path:
        return self._device_stores[at] / file if store == "device" else self.path(at, file)

    def _carry(self, request: CarryFile) -> FileArrived:
        source = self._source(request.store, request.source, request.file)
        medium = self._media[request.medium] / request.file
        arrived = self._copy(source, medium)
        if request.to not in self._stations:
            return arrived  # the medium goes to another machine, which compares again (`arrive`)
        return self._copy(medium, self.path(request.to, request.file))

    def _obtain(self, request: ObtainFile) -> FileArrived:
        content = self._publisher.publish(request.file)
        if content is None:
            raise StepFault(f"nothing is published under the name {request.file}", rule="ART018")
        if len(content) > request.at_most:
            words = f"{request.file} has {len(content)} bytes, more than the plan's {request.at_most}"
            raise StepFault(words, rule="ART004")
        return self._write(self.path(request.at, request.file), content)

    def _look(self, request: LookAtFile) -> FileArrived:
        """ART019: a file that people were to put there is there. ART004: it is no larger than planned."""
        path = self.path(request.at, request.file)
        if self._stand_in and not self._disk.exists(path):
            self._disk.write_new(path, f"SIMULATED: it stands for {request.file}\n".encode())
        if not self._disk.exists(path):
            raise StepFault(f"{request.file} is not at {request.at}", rule="ART019")
        facts = self._disk.hash_file(path)
        if facts.size > request.at_most:
            words = f"{request.file} has {facts.size} bytes, more than the plan's {request.at_most}"
            raise StepFault(words, rule="ART004")
        return FileArrived(size=facts.size, sha256=facts.sha256)

    def _unpack(self, request: UnpackArchive) -> ArchiveUnpacked:
        contents = unpack(self._disk.read(self.path(request.at, request.file)), request.items)
        items: list[UnpackedItem] = []
        for name in request.items:
            arrived = self._write(self.path(request.at, name), contents[name])
            items.append(UnpackedItem(file=name, size=arrived.size, sha256=arrived.sha256))
        return ArchiveUnpacked(items=tuple(items))

    def _write(self, path: Path, content: bytes) -> FileArrived:
        self._disk.write_new(path, content, same_ok=True)
        facts = self._disk.hash_file(path)
        return FileArrived(size=facts.size, sha256=facts.sha256)

    def _copy(self, source: Path, target: Path) -> FileArrived:
        facts = self._disk.copy_new(source, target, same_ok=True)
        return FileArrived(size=facts.size, sha256=facts.sha256)
