"""What every backend is and what it may ask of the host.

A backend has one exactly typed method per request. It never sees the log and never touches the terminal: cards and PINs
come through `CardDialogue`, files through `StationFiles`, and a secret has no text form.
The module is longer than others because every request has its method here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, Protocol, assert_never

from msgspec import Struct
from typing_extensions import override

from runner.exchange import (
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
    Holder,
    HsmRequest,
    ImportKey,
    InspectDevice,
    InspectKey,
    KeyDestroyed,
    KeyImported,
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
    ReadVaultKey,
    ReduceKey,
    ReplaceCards,
    Reply,
    RestoreFile,
    SealPackage,
    SetMode,
    ShowFile,
    TryCards,
    VaultKeyRead,
    VaultRequest,
    VerifyPackages,
    WorldCreated,
    WorldLoaded,
)

if TYPE_CHECKING:
    from pathlib import Path


class Secret:
    """A PIN on its way from a person to the device: no text form, not comparable, not picklable."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text; only a backend calls this, at the moment of use."""
        return self._text

    @override
    def __repr__(self) -> str:
        return "<secret>"

    @override
    def __format__(self, _spec: str) -> str:
        return "<secret>"

    @override
    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")


class CardWanted(Struct, frozen=True, kw_only=True):
    """The device wants a card in its slot: to write number `number` of the set, or, where None, to read any of it."""

    card_set: str
    number: int | None
    done: int
    total: int
    holders: tuple[Holder, ...]


class PinWanted(Struct, frozen=True, kw_only=True):
    """The PIN of the card in the slot is wanted; `new`: it is chosen. `attempt` from 1; `left` more in this request."""

    card_set: str
    number: int
    serial: str
    new: bool
    attempt: int
    left: int
    wait_seconds: int


class CardDialogue(Protocol):
    """The people at the card slot, inside one device request."""

    def card(self, wanted: CardWanted) -> str | None:
        """Return the serial of the card that is in the slot now; None cancels the request."""
        ...

    def pin(self, wanted: PinWanted) -> Secret:
        """Return what was typed, echo off."""
        ...

    def tell(self, words: str) -> None:
        """Show a sentence of the device's."""
        ...


class StationFiles(Protocol):
    """The files of the stations this machine plays."""

    def path(self, at: str, file: str) -> Path:
        """Return where a file of a station is."""
        ...

    def read(self, at: str, file: str) -> bytes:
        """Return the bytes of a file of a station."""
        ...

    def write_new(self, at: str, file: str, content: bytes) -> FileArrived | FilesRefused:
        """Make a new file; an existing one is never overwritten, one with exactly these bytes is done."""
        ...


class Audit(Struct, frozen=True, kw_only=True):
    """A device's own log: how many receipts, and its chain head."""

    size: int
    head: str


class Inventory(Struct, frozen=True, kw_only=True):
    """What a device holds: keys as `app/ident/hash`, cards as `set number/serial`, both sorted."""

    mode: str
    world: str
    keys: tuple[str, ...]
    cards: tuple[str, ...]


class DeviceReport(Struct, frozen=True, kw_only=True):
    """What a device says of itself at open, in every mutating reply, and at close."""

    id: str
    backend: str
    serial: str
    audit: Audit
    inventory: Inventory


class Since(Struct, frozen=True, kw_only=True):
    """What a device did after a head of its chain: whether it ever had that head, and the requests, in order.

    Tries of PINs are no requests.
    """

    known: bool
    requests: tuple[str, ...]


class Hsm(Protocol):
    """An HSM. Every mutating method is given the id of its request and is performed once under it."""

    def report(self) -> DeviceReport:
        """Return what it says of itself."""
        ...

    def since(self, head: str) -> Since:
        """Return what it did after that head of its audit log."""
        ...

    def holds(self, request_id: str) -> bool:
        """Say whether it performed the request of that id."""
        ...

    def set_mode(self, request: SetMode, request_id: str) -> ModeSet | DeviceRefused:
        """Move the mode switch."""
        ...

    def create_world(self, request: CreateWorld, request_id: str) -> WorldCreated | DeviceRefused:
        """Create a world and its cards."""
        ...

    def inspect_device(self, request: InspectDevice) -> DeviceInspected | DeviceRefused:
        """Look at the module and its world."""
        ...

    def replace_cards(self, request: ReplaceCards, request_id: str) -> CardsReplaced | DeviceRefused:
        """Replace a card set."""
        ...

    def try_cards(self, request: TryCards, request_id: str) -> CardsTried | DeviceRefused:
        """Try whether cards open the world."""
        ...

    def show_file(self, request: ShowFile) -> FileShown | DeviceRefused:
        """Look at a file in the world's folder."""
        ...

    def restore_file(self, request: RestoreFile, request_id: str) -> FileRestored | DeviceRefused | FilesRefused:
        """Put a file of a backup back; RUN021 where its bytes are not those of the request's digest."""
        ...

    def load_world(self, request: LoadWorld, request_id: str) -> WorldLoaded | DeviceRefused:
        """Bring the module into the world in its folder."""
        ...

    def verify_packages(self, request: VerifyPackages) -> PackagesVerified | DeviceRefused:
        """Verify a region's packages."""
        ...

    def generate_key(self, request: GenerateKey, request_id: str) -> KeyMade | DeviceRefused:
        """Generate a key."""
        ...

    def reduce_key(self, request: ReduceKey, request_id: str) -> KeyReduced | DeviceRefused:
        """Make the reduced copy."""
        ...

    def inspect_key(self, request: InspectKey) -> KeyInspected | DeviceRefused:
        """Read a key's permissions."""
        ...

    def prove_key(self, request: ProveKey, request_id: str) -> KeyProved | DeviceRefused:
        """Have a key sign the challenge that the request's id makes (`runner/proofs.py`)."""
        ...

    def seal_package(self, request: SealPackage, request_id: str) -> PackageSealed | DeviceRefused:
        """Encrypt the reduced copy into the outbox."""
        ...

    def collect_package(self, request: CollectPackage) -> FileArrived | DeviceRefused | FilesRefused:
        """Collect a package into a new file."""
        ...

    def destroy_key(self, request: DestroyKey, request_id: str) -> KeyDestroyed | DeviceRefused:
        """Remove a key file."""
        ...

    def list_keys(self, request: ListKeys) -> KeysListed | DeviceRefused:
        """List the key files."""
        ...

    def close(self) -> None:
        """Let others have it."""
        ...


class Vault(Protocol):
    """The receiving vault."""

    def report(self) -> DeviceReport:
        """Return what it says of itself."""
        ...

    def since(self, head: str) -> Since:
        """Return what it did after that head of its audit log."""
        ...

    def holds(self, request_id: str) -> bool:
        """Say whether it performed the request of that id."""
        ...

    def import_key(self, request: ImportKey, request_id: str) -> KeyImported | DeviceRefused:
        """Import a package."""
        ...

    def read_vault_key(self, request: ReadVaultKey) -> VaultKeyRead | DeviceRefused:
        """Read a key's public half."""
        ...


class Publisher(Protocol):
    """Where published files come from."""

    def publish(self, file: str) -> bytes | None:
        """Return the bytes published under that name, or None."""
        ...


def ask_hsm(  # noqa: C901, PLR0911, PLR0912 (it only dispatches)
    hsm: Hsm, request: HsmRequest, request_id: str
) -> Reply:
    """Have the HSM perform a request."""
    match request:
        case SetMode():
            return hsm.set_mode(request, request_id)
        case CreateWorld():
            return hsm.create_world(request, request_id)
        case InspectDevice():
            return hsm.inspect_device(request)
        case ReplaceCards():
            return hsm.replace_cards(request, request_id)
        case TryCards():
            return hsm.try_cards(request, request_id)
        case ShowFile():
            return hsm.show_file(request)
        case RestoreFile():
            return hsm.restore_file(request, request_id)
        case LoadWorld():
            return hsm.load_world(request, request_id)
        case VerifyPackages():
            return hsm.verify_packages(request)
        case GenerateKey():
            return hsm.generate_key(request, request_id)
        case ReduceKey():
            return hsm.reduce_key(request, request_id)
        case InspectKey():
            return hsm.inspect_key(request)
        case ProveKey():
            return hsm.prove_key(request, request_id)
        case SealPackage():
            return hsm.seal_package(request, request_id)
        case CollectPackage():
            return hsm.collect_package(request)
        case DestroyKey():
            return hsm.destroy_key(request, request_id)
        case ListKeys():
            return hsm.list_keys(request)
        case _:
            assert_never(request)


def ask_vault(vault: Vault, request: VaultRequest, request_id: str) -> Reply:
    """Have the vault perform a request."""
    match request:
        case ImportKey():
            return vault.import_key(request, request_id)
        case ReadVaultKey():
            return vault.read_vault_key(request)
        case _:
            assert_never(request)
