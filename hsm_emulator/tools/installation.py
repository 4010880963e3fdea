"""The installation a tool works on: its folder, its device, and the paths of the vendor's software in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from msgspec import Struct

from hsm_emulator.disk import Disk
from hsm_emulator.errors import Refused, Status
from hsm_emulator.state import LOCAL

if TYPE_CHECKING:
    from hsm_emulator.device import Device
    from hsm_emulator.messages import Change, Look, ModuleState
    from hsm_emulator.tools.operator import Operator

T = TypeVar("T")

PATIENCE: Final = 2.0
"""Seconds a tool waits for another that has the installation open: new-world looks at it again and again."""

_POLL: Final = 0.05

_ROOTS: Final = (
    ("%nfast_kmdata%/", "kmdata/"),
    ("%nfast_home%/", ""),
    ("/opt/nfast/", ""),
    ("c:/programdata/ncipher/key management data/", "kmdata/"),
)
"""Where the vendor's software keeps its files, and where these are in an installation of the emulator."""


class Installation(Struct, frozen=True, kw_only=True):
    """An installation's folder, and the person at the terminal."""

    folder: Path
    operator: Operator

    def device(self) -> Device:
        """Open the device, waiting for `PATIENCE` where another tool has it.

        Raises:
            Refused: UnknownID where there is none; nothing is made there. InvalidState where it stays in use.
            StoreBroken: its files were edited.
        """
        import time

        from hsm_emulator.crypto import SystemDraw
        from hsm_emulator.device import Device

        if not Disk().list(self.folder / "silicon"):
            raise Refused(Status.UNKNOWN_ID, f"there is no installation in {self.folder}; --folder says where it is")
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return Device.open(self.folder, draw=SystemDraw(), clock=time.time)
            except Refused as refusal:
                if refusal.status is not Status.INVALID_STATE or time.monotonic() >= end:
                    raise
            time.sleep(_POLL)

    def look(self, command: Look, kind: type[T]) -> T:
        """Return the device's answer to a question.

        Raises:
            Refused: as the command says.
        """
        with self.device() as device:
            return expect(device.look(command), kind)

    def module(self) -> ModuleState:
        """Return what the module says of itself."""
        from hsm_emulator import messages

        return self.look(messages.Enquiry(), messages.ModuleState)

    def demand_usable(self, tool: str) -> ModuleState:
        """Return what the module says of itself; refuse before anybody puts in a card or answers a prompt.

        Raises:
            Refused: InvalidState where there is no usable world.
        """
        module = self.module()
        if not module.usable:
            words = f"{tool} needs a Security World and operational mode; module 1 is in {module.mode.value} mode"
            raise Refused(Status.INVALID_STATE, words)
        return module

    def change(self, command: Change, kind: type[T]) -> T:
        """Perform a command once, with the person at the terminal, and return the reply.

        Raises:
            Refused: as the command says.
        """
        from hsm_emulator.crypto import SystemDraw

        with self.device() as device:
            return expect(device.change(command, f"tool-{SystemDraw().take(16).hex()}", self.operator), kind)

    def path(self, text: str) -> Path:
        """Return where a path of a command line is; it may have either slash and begin as the vendor's paths do."""
        plain = text.replace("\\", "/")
        for root, ours in _ROOTS:
            if plain.casefold().startswith(root):
                return self.folder / ours / plain[len(root) :]
        return Path(plain)

    def read(self, text: str) -> bytes:
        """Return the bytes of a file named on a command line.

        Raises:
            Refused: UnknownID, there is none; with a hint where a capital I stands for a small L.
            StoreBroken: it is no plain file, or over-long.
        """
        return _bytes(self.path(text))

    def beside(self, path: str) -> bytes | None:
        """Return the bytes of a file that people keep in the installation, None where there is none.

        Raises:
            StoreBroken: it is no plain file, or over-long.
        """
        return Disk().read(self.folder / path)

    def local(self, name: str) -> bytes:
        """Return the bytes of a file of the installation's own key management data.

        Raises:
            Refused, StoreBroken: as `read`.
        """
        return _bytes(self.folder / LOCAL / name)


def _bytes(path: Path) -> bytes:
    content = Disk().read(path)
    if content is None:
        hint = "; the application is written with a small L: xferacld" if "xferacId" in path.name else ""
        raise Refused(Status.UNKNOWN_ID, f"there is no file {path}{hint}")
    return content


def expect(reply: object, kind: type[T]) -> T:
    """Return the device's reply as the kind that answers the command."""
    if not isinstance(reply, kind):
        raise TypeError(f"the device answered with {type(reply).__name__}")
    return reply


def demand_absent(output: Path) -> None:
    """Refuse to write where something is.

    Raises:
        Refused: AlreadyExists.
    """
    if Disk().read(output) is not None:
        raise Refused(Status.ALREADY_EXISTS, f"there is a file {output} already, and nothing is ever overwritten")


def write_output(output: Path, content: bytes) -> None:
    """Write a file that a tool makes: all of it or none, beside what is there.

    Raises:
        Refused: AlreadyExists.
    """
    disk = Disk()
    demand_absent(output)
    part = output.with_name(f"{output.name}.part")
    if disk.read(part) is not None:  # of a run that was broken off
        disk.unlink(part)
    disk.write_new(part, content)
    disk.fsync_file(part)
    disk.rename(part, output)
    disk.fsync_dir(output.parent)
