"""The emulated module as a backend.

Requests become the emulator's commands, its refusals become `DeviceRefused`; nothing else is added.

The module is longer than others because every request has its method here, in one place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hsm_emulator import messages
from hsm_emulator.errors import PowerCut, Refused, Status
from hsm_emulator.facts import CardFact, Mode
from runner import canonical
from runner.backends.emulator.answers import NAME, refused
from runner.backends.emulator.inside import Inside
from runner.backends.emulator.slot import Held, Slot
from runner.backends.interface import Audit, DeviceReport, Inventory, Since
from runner.errors import CeremonyError, Defect, Uncertain, WrongUse
from runner.exchange import (
    CardRead,
    CardsReplaced,
    CardsTried,
    CollectPackage,
    CreateWorld,
    DestroyKey,
    DeviceInspected,
    DeviceRefused,
    FileArrived,
    FileRestored,
    FileShown,
    FilesRefused,
    GenerateKey,
    InspectDevice,
    InspectKey,
    KeyDestroyed,
    KeyInspected,
    KeyMade,
    KeyProved,
    KeyReduced,
    KeysListed,
    ListKeys,
    LoadWorld,
    ModeSet,
    PackageSealed,
    PackagesVerified,
    ProveKey,
    ReduceKey,
    ReplaceCards,
    RestoreFile,
    SealPackage,
    SetMode,
    ShowFile,
    TryCards,
    VerifyPackages,
    WorldCreated,
    WorldLoaded,
)
from runner.proofs import challenge

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TypeVar

    from hsm_emulator.device import Dialogue
    from runner.backends.interface import CardDialogue, StationFiles

    T = TypeVar("T")


class EmulatedHsm:
    """An emulated module, open until `close`."""

    def __init__(
        self,
        folder: Path,
        *,
        device: str,
        serial: str,
        card_set: str | None,
        files: StationFiles,
        dialogue: CardDialogue,
        inside: Inside | None = None,
    ) -> None:
        self._folder = folder
        self._inside = inside or Inside()
        try:
            self._device = self._inside.device_in(self._folder)
        except Refused as refusal:
            raise WrongUse(f"{device} cannot be opened: {refusal.words}", rule="DEV002") from None
        try:
            state = self._look(messages.Enquiry(), messages.ModuleState)
        except Refused as refusal:
            self._device.close()
            raise WrongUse(f"{device} says nothing of itself: {refusal.words}", rule="DEV002") from None
        self._id = device
        self._serial = serial
        self._card_set = card_set
        self._files = files
        self._dialogue = dialogue
        if state.esn != serial:
            self._device.close()
            raise Defect(f"the module is {state.esn}, not {serial}")

    def close(self) -> None:
        """Let others open the installation."""
        self._device.close()

    def _start_again(self) -> None:
        """Bring the device back after it broke off; that goes well."""
        self._device.close()
        if self._inside.faults is not None:
            self._inside.faults.arm({})
        self._device = self._inside.device_in(self._folder)

    def report(self) -> DeviceReport:
        """Return what the module says of itself."""
        state = self._look(messages.Enquiry(), messages.ModuleState)
        return DeviceReport(
            id=self._id,
            backend=NAME,
            serial=state.esn,
            audit=Audit(size=state.audit_size, head=state.audit_head),
            inventory=Inventory(
                mode=state.mode.value,
                world=state.hknso,
                keys=tuple(sorted(f"{key.app}/{key.ident}/{key.key_hash}" for key in state.keys)),
                cards=tuple(sorted(f"{self._card_set or 'acs'} {card.number}/{card.serial}" for card in state.cards)),
            ),
        )

    def since(self, head: str) -> Since:
        """Return what the module did after that head of its audit log."""
        known, requests = self._device.since(head)
        return Since(known=known, requests=requests)

    def holds(self, request_id: str) -> bool:
        """Say whether the module performed the request of that id."""
        return self._device.holds(request_id)

    def set_mode(self, request: SetMode, request_id: str) -> ModeSet | DeviceRefused:
        """Move the mode switch."""
        command = messages.ChangeMode(mode=Mode(request.mode))
        reply = self._change(command, request_id, messages.ModeChanged)
        return reply if isinstance(reply, DeviceRefused) else ModeSet(mode=reply.mode.value)

    def create_world(self, request: CreateWorld, request_id: str) -> WorldCreated | DeviceRefused:
        """Create a world and its cards; the holders are at the slot."""
        command = messages.NewWorld(cipher_suite=request.cipher_suite, threshold=request.threshold, cards=request.cards)
        held = Held(card_set=request.card_set, holders=request.holders)
        reply = self._change(command, request_id, messages.WorldMade, self._slot(held))
        if isinstance(reply, DeviceRefused):
            return reply
        return WorldCreated(
            hknso=reply.hknso,
            hkm=reply.hkm,
            hkre=reply.hkre,
            cards=_cards(reply.cards),
            file=reply.world.name,
            size=reply.world.size,
            sha256=reply.world.sha256,
        )

    def inspect_device(self, _request: InspectDevice) -> DeviceInspected | DeviceRefused:
        """Look at the module, its world and its world file."""
        state = self._look(messages.Enquiry(), messages.ModuleState)
        world = next((file for file in state.files if file.name == "world"), None)
        if world is None or not state.usable:
            words = f"the module is in {state.mode.value} mode, and in no Security World that is as it was signed"
            return DeviceRefused(status="InvalidState", words=words)
        return DeviceInspected(
            mode=state.mode.value,
            hknso=state.hknso,
            cards=_cards(state.cards),
            file=world.name,
            size=world.size,
            sha256=world.sha256,
        )

    def replace_cards(self, request: ReplaceCards, request_id: str) -> CardsReplaced | DeviceRefused:
        """Replace the card set; the holders of the old cards and of the new ones are at the slot."""
        read = Held(card_set=request.old, holders=request.holders)
        written = Held(card_set=request.new, holders=request.new_holders)
        reply = self._change(messages.ReplaceCards(), request_id, messages.CardsReplaced, self._slot(read, written))
        if isinstance(reply, DeviceRefused):
            return reply
        return CardsReplaced(
            hknso=reply.hknso,
            read=_cards(reply.read),
            cards=_cards(reply.cards),
            file=reply.world.name,
            size=reply.world.size,
            sha256=reply.world.sha256,
        )

    def try_cards(self, request: TryCards, request_id: str) -> CardsTried | DeviceRefused:
        """Try cards; their holders are at the slot."""
        held = Held(card_set=request.card_set, holders=request.holders)
        command = messages.TryCards(every=request.choices == "every")
        reply = self._change(command, request_id, messages.CardsTried, self._slot(held))
        if isinstance(reply, DeviceRefused):
            return reply
        return CardsTried(opens=reply.opens, hknso=reply.hknso, cards=_cards(reply.cards))

    def show_file(self, request: ShowFile) -> FileShown | DeviceRefused:
        """Look at a file in the world's folder."""
        state = self._look(messages.Enquiry(), messages.ModuleState)
        found = next((file for file in state.files if file.name == request.file), None)
        if found is None:
            there = ", ".join(file.name for file in state.files) or "none"
            return DeviceRefused(status="UnknownID", words=f"there is no file {request.file}; there are: {there}")
        return FileShown(file=found.name, size=found.size, sha256=found.sha256)

    def restore_file(self, request: RestoreFile, request_id: str) -> FileRestored | DeviceRefused | FilesRefused:
        """Put a file of a backup back, if it is the one with the request's digest."""
        try:
            content = self._read(request.at, request.file)
        except Refused as refusal:
            return refused(refusal)
        if canonical.file_digest(content) != request.sha256:
            words = f"{request.file} at {request.at} is not the file with the digest {request.sha256}"
            return FilesRefused(rule="RUN021", words=words)
        command = messages.RestoreFile(name=request.file, content=content)
        reply = self._change(command, request_id, messages.FileRestored)
        if isinstance(reply, DeviceRefused):
            return reply
        return FileRestored(file=reply.file.name, size=reply.file.size, sha256=reply.file.sha256)

    def load_world(self, request: LoadWorld, request_id: str) -> WorldLoaded | DeviceRefused:
        """Bring the module into the world in its folder; the holders are at the slot."""
        held = Held(card_set=request.card_set, holders=request.holders)
        command = messages.LoadWorld(threshold=request.threshold)
        reply = self._change(command, request_id, messages.WorldLoaded, self._slot(held))
        if isinstance(reply, DeviceRefused):
            return reply
        return WorldLoaded(
            hknso=reply.hknso,
            hkm=reply.hkm,
            cards=_cards(reply.cards),
            file=reply.world.name,
            size=reply.world.size,
            sha256=reply.world.sha256,
        )

    def verify_packages(self, request: VerifyPackages) -> PackagesVerified | DeviceRefused:
        """Verify a region's packages."""
        try:
            command = messages.VerifyPackages(
                kek_package=self._read(request.at, request.kek), world_package=self._read(request.at, request.world)
            )
            reply = self._look(command, messages.PackagesVerified)
        except Refused as refusal:
            return refused(refusal)
        return PackagesVerified(
            root_hash=reply.root_hash,
            kek_hash=reply.kek_hash,
            world_hash=reply.world_hash,
            hknso=reply.hknso,
            region=reply.region,
        )

    def generate_key(self, request: GenerateKey, request_id: str) -> KeyMade | DeviceRefused:
        """Generate a key."""
        command = messages.GenerateKey(
            app=request.app,
            ident=request.ident,
            plainname=request.ident,
            type=request.type,
            size=request.size,
            protect=request.protect,
            nvram=False,
            pubexp="",
        )
        reply = self._change(command, request_id, messages.KeyGenerated)
        if isinstance(reply, DeviceRefused):
            return reply
        return KeyMade(
            key_hash=reply.key_hash,
            public_key=reply.public_key,
            file=reply.file.name,
            size=reply.file.size,
            sha256=reply.file.sha256,
        )

    def reduce_key(self, request: ReduceKey, request_id: str) -> KeyReduced | DeviceRefused:
        """Make the reduced copy; the holders are at the slot."""
        try:
            command = messages.ModifyAcls(
                app=request.app,
                ident=request.ident,
                kek_package=self._read(request.at, request.kek),
                world_package=self._read(request.at, request.world),
            )
        except Refused as refusal:
            return refused(refusal)
        held = Held(card_set=request.card_set, holders=request.holders)
        reply = self._change(command, request_id, messages.AclsModified, self._slot(held))
        if isinstance(reply, DeviceRefused):
            return reply
        return KeyReduced(
            key_hash=reply.key_hash,
            cards=_cards(reply.cards),
            file=reply.file.name,
            size=reply.file.size,
            sha256=reply.file.sha256,
        )

    def inspect_key(self, request: InspectKey) -> KeyInspected | DeviceRefused:
        """Read a key's permissions."""
        try:
            reply = self._look(messages.InspectKey(app=request.app, ident=request.ident), messages.KeyInspected)
        except Refused as refusal:
            return refused(refusal)
        return KeyInspected(
            key_hash=reply.key_hash,
            exportable=reply.exportable,
            recoverable=reply.recoverable,
            archive_to=reply.archive_to,
            blob_to=reply.blob_to,
            rights=reply.rights,
        )

    def prove_key(self, request: ProveKey, request_id: str) -> KeyProved | DeviceRefused:
        """Have a key sign the id of the request."""
        command = messages.ProveKey(app=request.app, ident=request.ident, challenge=challenge(request_id))
        try:
            reply = self._look(command, messages.KeyProved)
        except Refused as refusal:
            return refused(refusal)
        return KeyProved(
            key_hash=reply.key_hash, public_key=reply.public_key, challenge=request_id, signature=reply.signature
        )

    def seal_package(self, request: SealPackage, request_id: str) -> PackageSealed | DeviceRefused:
        """Encrypt the reduced copy into the outbox."""
        try:
            command = messages.Package(
                ident=request.ident,
                kek_package=self._read(request.at, request.kek),
                world_package=self._read(request.at, request.world),
                subscription_id=request.subscription_id,
                friendly_name=request.friendly_name,
            )
        except Refused as refusal:
            return refused(refusal)
        reply = self._change(command, request_id, messages.Packaged)
        if isinstance(reply, DeviceRefused):
            return reply
        return PackageSealed(
            key_hash=reply.key_hash, region=reply.region, size=reply.size, sha256=reply.sha256, output=request_id
        )

    def collect_package(self, request: CollectPackage) -> FileArrived | DeviceRefused | FilesRefused:
        """Collect a package from the outbox into a new file of a station."""
        try:
            reply = self._look(messages.CollectOutput(request_id=request.output), messages.Output)
        except Refused as refusal:
            return refused(refusal)
        return self._files.write_new(request.at, request.file, reply.content)

    def destroy_key(self, request: DestroyKey, request_id: str) -> KeyDestroyed | DeviceRefused:
        """Remove a key file."""
        command = messages.DeleteKey(app=request.app, ident=request.ident)
        reply = self._change(command, request_id, messages.KeyDeleted)
        if isinstance(reply, DeviceRefused):
            return reply
        return KeyDestroyed(
            key_hash=reply.key_hash, file=reply.file.name, size=reply.file.size, sha256=reply.file.sha256
        )

    def list_keys(self, _request: ListKeys) -> KeysListed | DeviceRefused:
        """List the key files."""
        state = self._look(messages.Enquiry(), messages.ModuleState)
        return KeysListed(files=tuple(sorted(f"key_{key.app}_{key.ident}" for key in state.keys)))

    def _slot(self, read: Held, written: Held | None = None) -> Dialogue:
        slot = Slot(self._dialogue, read, written or read)
        return slot if self._inside.faults is None else self._inside.faults.at_slot(slot)

    def _read(self, at: str, file: str) -> bytes:
        """Return the bytes of a file that goes into the device.

        Raises:
            Refused: HostDataInvalid, it cannot be read.
        """
        try:
            return self._files.read(at, file)
        except CeremonyError:
            raise Refused(Status.HOST_DATA_INVALID, f"{file} cannot be read at {at}") from None

    def _look(self, command: messages.Look, kind: type[T]) -> T:
        reply = self._device.look(command)
        if not isinstance(reply, kind):
            raise Defect(f"the emulator answered {type(command).__name__} with {type(reply).__name__}")
        return reply

    def _change(
        self, command: messages.Change, request_id: str, kind: type[T], slot: Dialogue | None = None
    ) -> T | DeviceRefused:
        """Have the device change something; where it broke off it is open again afterwards.

        Raises:
            Uncertain: RUN022, the power was cut or its disk failed.
        """
        try:
            reply = self._device.change(command, request_id, slot or self._slot(Held(card_set="", holders=())))
        except Refused as refusal:
            return refused(refusal)
        except (PowerCut, OSError) as fault:
            self._start_again()
            why = fault.strerror if isinstance(fault, OSError) else str(fault)
            raise Uncertain(f"{self._id} broke off: {why}; whether it did it is not known", rule="RUN022") from None
        if not isinstance(reply, kind):
            raise Defect(f"the emulator answered {type(command).__name__} with {type(reply).__name__}")
        return reply


def _cards(cards: tuple[CardFact, ...]) -> tuple[CardRead, ...]:
    return tuple(CardRead(number=card.number, serial=card.serial) for card in cards)
