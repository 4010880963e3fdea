"""Every request and reply that may cross between the core and the world.

An action awaits a request and gets a reply of a kind the request names; there is no asyncio, the engine drives the
coroutine with `send`. Requests and replies are flat, frozen and without secrets: a PIN never has a place here.
Digests are lower-case hex, sizes bytes, `public_key` is base64 of a DER SubjectPublicKeyInfo (RFC 5280), key hashes
are 40 hex digits.

The module is longer than others because the union is closed in one place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast, get_args

from msgspec import Struct

from runner.canonical import NotCanonical
from runner.codec import from_data, kind_of
from runner.errors import Defect

if TYPE_CHECKING:
    from collections.abc import Generator

R_co = TypeVar("R_co", covariant=True)


class Asking(Struct, Generic[R_co], frozen=True, kw_only=True):
    """A request that knows the type of its reply."""

    mutates: ClassVar[bool] = False
    """Whether performing it changes a device; such a request is durable before the device is called."""

    def __await__(self) -> Generator[Asking[object], object, R_co]:
        """Hand the request to the engine, and its reply to the action."""
        return self.narrow((yield self))

    def narrow(self, reply: object) -> R_co:
        """Return `reply` as the type this request promises: the only cast in the system.

        Raises:
            Defect: a reply of another kind.
        """
        if not isinstance(reply, replies_of(type(self))):
            raise Defect(f"{type(reply).__name__} does not answer {type(self).__name__}")
        return cast("R_co", reply)


def _written_bases(request: type[Asking[Any]]) -> tuple[Any, ...]:
    """Return the bases as written (PEP 560); `types.get_original_bases` came with Python 3.12."""
    bases: tuple[Any, ...] = request.__dict__["__orig_bases__"]
    return bases


def replies_of(request: type[Asking[Any]]) -> tuple[type[Any], ...]:
    """Return the kinds of reply a request may get, read off its own declaration."""
    for base in _written_bases(request):
        (parameter,) = get_args(base)
        return get_args(parameter) or (parameter,)
    raise Defect(f"{request.__name__} does not say what answers it")


# -- refusals ------------------------------------------------------------------------------------------------------


class DeviceRefused(Struct, frozen=True, kw_only=True):
    """The device said no and changed nothing: its status, and words for the operator."""

    status: str
    words: str


class FilesRefused(Struct, frozen=True, kw_only=True):
    """A file could not be obtained, carried, unpacked or kept; nothing was left half-written."""

    rule: str
    words: str


class Declined(Struct, frozen=True, kw_only=True):
    """A person declined, and said why; it answers any request to people, and ends the ceremony."""

    person: str
    reason: str


# -- people ----------------------------------------------------------------------------------------------------------


class Need(Struct, frozen=True, kw_only=True):
    """`count` distinct people in one role; where `holders_of` is a card set, each holds a card of it."""

    role: str
    count: int
    holders_of: str | None


class Acting(Struct, frozen=True, kw_only=True):
    """A person, and the one role they act in for a step."""

    person: str
    role: str


class PeopleGathered(Struct, frozen=True, kw_only=True):
    """Who acts in this step."""

    acting: tuple[Acting, ...]


class GatherPeople(Asking[PeopleGathered], frozen=True, kw_only=True):
    """Call the people this step needs."""

    needs: tuple[Need, ...]


class ValueGiven(Struct, frozen=True, kw_only=True):
    """What a person typed."""

    value: str
    person: str


class AskValue(Asking[ValueGiven], frozen=True, kw_only=True):
    """Ask for a value that a person reads off a screen, a bag or a document. Never a secret."""

    name: str
    ask: str
    type: str


class HandsDone(Struct, frozen=True, kw_only=True):
    """A person says that the thing is done."""

    person: str


class DoByHand(Asking[HandsDone], frozen=True, kw_only=True):
    """Let people do something no machine here can see."""

    title: str


class ExceptionGranted(Struct, frozen=True, kw_only=True):
    """These people let it pass, and said why."""

    people: tuple[str, ...]
    reason: str


class AskException(Asking[ExceptionGranted], frozen=True, kw_only=True):
    """Ask whether a result that is not as expected may pass: by so many people of a role. Never for digests."""

    rule: str
    result: str
    found: str
    expected: str
    role: str
    people: int


# -- files -----------------------------------------------------------------------------------------------------------


class FileArrived(Struct, frozen=True, kw_only=True):
    """A file is where it was asked to be; size and digest are of the bytes read back there."""

    size: int
    sha256: str


class ObtainFile(Asking[FileArrived | FilesRefused], frozen=True, kw_only=True):
    """Obtain a published file onto a station."""

    file: str
    at: str
    at_most: int


class CarryFile(Asking[FileArrived | FilesRefused], frozen=True, kw_only=True):
    """Copy a file onto a medium, carry it to another station, copy it there."""

    file: str
    store: str
    source: str
    medium: str
    to: str


class BackUpFile(Asking[FileArrived | FilesRefused], frozen=True, kw_only=True):
    """Copy a file onto a medium that keeps it."""

    file: str
    store: str
    at: str
    medium: str


class UnpackedItem(Struct, frozen=True, kw_only=True):
    """An item that came out of an archive."""

    file: str
    size: int
    sha256: str


class ArchiveUnpacked(Struct, frozen=True, kw_only=True):
    """Exactly the items asked for, in their order."""

    items: tuple[UnpackedItem, ...]


class UnpackArchive(Asking[ArchiveUnpacked | FilesRefused], frozen=True, kw_only=True):
    """Unpack a zip that holds exactly these items and nothing else; it is checked before a byte is written."""

    file: str
    at: str
    items: tuple[str, ...]


class LookAtFile(Asking[FileArrived | FilesRefused], frozen=True, kw_only=True):
    """Look at a file that people put or changed at a station."""

    file: str
    at: str
    at_most: int


# -- the HSM -----------------------------------------------------------------------------------------------------------


class ModeSet(Struct, frozen=True, kw_only=True):
    """The mode the module is in."""

    mode: str


class SetMode(Asking[ModeSet | DeviceRefused], frozen=True, kw_only=True):
    """Move the module's mode switch."""

    mutates = True
    device: str
    mode: str


class Holder(Struct, frozen=True, kw_only=True):
    """A person, and the number of the card of the set they hold."""

    person: str
    number: int


class CardRead(Struct, frozen=True, kw_only=True):
    """A card the device read or wrote: its number in the set, and its serial."""

    number: int
    serial: str


class WorldCreated(Struct, frozen=True, kw_only=True):
    """A Security World and its Administrator Card Set exist."""

    hknso: str
    hkm: str
    hkre: str
    cards: tuple[CardRead, ...]
    file: str
    size: int
    sha256: str


class CreateWorld(Asking[WorldCreated | DeviceRefused], frozen=True, kw_only=True):
    """Create a Security World; the holders put their cards in and choose their PINs inside this request."""

    mutates = True
    device: str
    cipher_suite: str
    card_set: str
    threshold: int
    cards: int
    holders: tuple[Holder, ...]


class DeviceInspected(Struct, frozen=True, kw_only=True):
    """The module is in a world and usable; `cards` are those it wrote last, none where it wrote none itself."""

    mode: str
    hknso: str
    cards: tuple[CardRead, ...]
    file: str
    size: int
    sha256: str


class InspectDevice(Asking[DeviceInspected | DeviceRefused], frozen=True, kw_only=True):
    """Look at the module, its world and its world file."""

    device: str


class CardsReplaced(Struct, frozen=True, kw_only=True):
    """The cards `read` are old now; `cards` open the world, and its file is another."""

    hknso: str
    read: tuple[CardRead, ...]
    cards: tuple[CardRead, ...]
    file: str
    size: int
    sha256: str


class ReplaceCards(Asking[CardsReplaced | DeviceRefused], frozen=True, kw_only=True):
    """Replace a card set by one of the same quorum: old cards are read, and new ones written, inside this request."""

    mutates = True
    device: str
    old: str
    new: str
    threshold: int
    cards: int
    holders: tuple[Holder, ...]
    new_holders: tuple[Holder, ...]


class CardsTried(Struct, frozen=True, kw_only=True):
    """Whether these cards open the world of the module."""

    opens: bool
    hknso: str
    cards: tuple[CardRead, ...]


class TryCards(Asking[CardsTried | DeviceRefused], frozen=True, kw_only=True):
    """Try whether cards open the world: a `quorum` of them, or `every` quorum of all. It counts tries of PINs."""

    mutates = True
    device: str
    card_set: str
    choices: str
    holders: tuple[Holder, ...]


class FileShown(Struct, frozen=True, kw_only=True):
    """The file is in the world's folder of the device."""

    file: str
    size: int
    sha256: str


class ShowFile(Asking[FileShown | DeviceRefused], frozen=True, kw_only=True):
    """Look at a file in the world's folder of a device."""

    device: str
    file: str


class FileRestored(Struct, frozen=True, kw_only=True):
    """The file is in the world's folder of the device now."""

    file: str
    size: int
    sha256: str


class RestoreFile(Asking[FileRestored | DeviceRefused | FilesRefused], frozen=True, kw_only=True):
    """Put a file of a backup into the world's folder of a device without a world: the one with this digest."""

    mutates = True
    device: str
    at: str
    file: str
    sha256: str


class WorldLoaded(Struct, frozen=True, kw_only=True):
    """The module is in the world whose file was in its folder; `cards` allowed it."""

    hknso: str
    hkm: str
    cards: tuple[CardRead, ...]
    file: str
    size: int
    sha256: str


class LoadWorld(Asking[WorldLoaded | DeviceRefused], frozen=True, kw_only=True):
    """Bring a module into the world in its folder; a quorum of `threshold` cards is read inside this request."""

    mutates = True
    device: str
    card_set: str
    threshold: int
    holders: tuple[Holder, ...]


class PackagesVerified(Struct, frozen=True, kw_only=True):
    """The packages hold together up to the maker whose root has this hash."""

    root_hash: str
    kek_hash: str
    world_hash: str
    hknso: str
    region: str


class VerifyPackages(Asking[PackagesVerified | DeviceRefused], frozen=True, kw_only=True):
    """Verify a region's KEK and Security World packages."""

    device: str
    at: str
    kek: str
    world: str


class KeyMade(Struct, frozen=True, kw_only=True):
    """A key exists in the world's folder."""

    key_hash: str
    public_key: str
    file: str
    size: int
    sha256: str


class GenerateKey(Asking[KeyMade | DeviceRefused], frozen=True, kw_only=True):
    """Generate an application key."""

    mutates = True
    device: str
    app: str
    ident: str
    type: str
    size: int
    protect: str


class KeyReduced(Struct, frozen=True, kw_only=True):
    """The copy with reduced permissions exists; these cards authorised it."""

    key_hash: str
    cards: tuple[CardRead, ...]
    file: str
    size: int
    sha256: str


class ReduceKey(Asking[KeyReduced | DeviceRefused], frozen=True, kw_only=True):
    """Make a copy of a key that can do nothing but be used, and go to one region."""

    mutates = True
    device: str
    at: str
    app: str
    ident: str
    kek: str
    world: str
    card_set: str
    holders: tuple[Holder, ...]


class KeyInspected(Struct, frozen=True, kw_only=True):
    """What a key's own access control list allows."""

    key_hash: str
    exportable: bool
    recoverable: bool
    archive_to: str
    blob_to: str
    rights: tuple[str, ...]


class InspectKey(Asking[KeyInspected | DeviceRefused], frozen=True, kw_only=True):
    """Read a key's permissions."""

    device: str
    app: str
    ident: str


class KeyProved(Struct, frozen=True, kw_only=True):
    """The key signed what `runner/proofs.py` says of the request whose id is `challenge`; `signature` is base64."""

    key_hash: str
    public_key: str
    challenge: str
    signature: str


class ProveKey(Asking[KeyProved | DeviceRefused], frozen=True, kw_only=True):
    """Have a key sign the id of this very request, which nobody can know before it is written down."""

    device: str
    app: str
    ident: str


class PackageSealed(Struct, frozen=True, kw_only=True):
    """A transfer package waits in the device's outbox under the id `output`."""

    key_hash: str
    region: str
    size: int
    sha256: str
    output: str


class SealPackage(Asking[PackageSealed | DeviceRefused], frozen=True, kw_only=True):
    """Encrypt the reduced copy to the region's key exchange key."""

    mutates = True
    device: str
    at: str
    ident: str
    kek: str
    world: str
    subscription_id: str
    friendly_name: str


class CollectPackage(Asking[FileArrived | DeviceRefused | FilesRefused], frozen=True, kw_only=True):
    """Collect a package from the outbox into a new file. Idempotent on the device."""

    device: str
    output: str
    file: str
    at: str


class KeyDestroyed(Struct, frozen=True, kw_only=True):
    """The key file is gone; size and digest are of the bytes removed."""

    key_hash: str
    file: str
    size: int
    sha256: str


class DestroyKey(Asking[KeyDestroyed | DeviceRefused], frozen=True, kw_only=True):
    """Remove a key file from the world's folder."""

    mutates = True
    device: str
    app: str
    ident: str


class KeysListed(Struct, frozen=True, kw_only=True):
    """The files of all keys in the world's folder, sorted."""

    files: tuple[str, ...]


class ListKeys(Asking[KeysListed | DeviceRefused], frozen=True, kw_only=True):
    """Look which keys there are."""

    device: str


# -- the receiving vault -----------------------------------------------------------------------------------------


class KeyImported(Struct, frozen=True, kw_only=True):
    """The vault holds the key, and proved it with a signature that the source's public key verifies."""

    key_hash: str
    public_key: str
    kid: str


class ImportKey(Asking[KeyImported | DeviceRefused], frozen=True, kw_only=True):
    """Import a transfer package into a vault."""

    mutates = True
    device: str
    at: str
    package: str
    vault: str
    name: str
    subscription_id: str


class VaultKeyRead(Struct, frozen=True, kw_only=True):
    """A key as the vault shows it."""

    key_hash: str
    public_key: str
    kid: str


class ReadVaultKey(Asking[VaultKeyRead | DeviceRefused], frozen=True, kw_only=True):
    """Read a key's public half back from a vault."""

    device: str
    vault: str
    name: str


RoomRequest = GatherPeople | AskValue | DoByHand | AskException
FileRequest = ObtainFile | CarryFile | BackUpFile | UnpackArchive | LookAtFile
HsmRequest = (
    SetMode
    | CreateWorld
    | InspectDevice
    | ReplaceCards
    | TryCards
    | ShowFile
    | RestoreFile
    | LoadWorld
    | VerifyPackages
    | GenerateKey
    | ReduceKey
    | InspectKey
    | ProveKey
    | SealPackage
    | CollectPackage
    | DestroyKey
    | ListKeys
)
VaultRequest = ImportKey | ReadVaultKey
Request = RoomRequest | FileRequest | HsmRequest | VaultRequest
"""The closed union: the engine refuses anything else that is awaited."""

REQUESTS: tuple[type[Any], ...] = get_args(Request)

Reply = (
    DeviceRefused
    | FilesRefused
    | Declined
    | PeopleGathered
    | ValueGiven
    | HandsDone
    | ExceptionGranted
    | FileArrived
    | ArchiveUnpacked
    | ModeSet
    | WorldCreated
    | DeviceInspected
    | CardsReplaced
    | CardsTried
    | FileShown
    | FileRestored
    | WorldLoaded
    | PackagesVerified
    | KeyMade
    | KeyReduced
    | KeyInspected
    | KeyProved
    | PackageSealed
    | KeyDestroyed
    | KeysListed
    | KeyImported
    | VaultKeyRead
)

VAULT = "vault"
"""The device id of the receiving vault."""


def answers_to(request: Request) -> tuple[type[Any], ...]:
    """Return the kinds of reply that answer a request; people may decline whatever they are asked."""
    own = replies_of(type(request))
    return (*own, Declined) if isinstance(request, get_args(RoomRequest)) else own


def parse_reply(request: Request, kind: str, data: object) -> Reply:
    """Return the recorded reply to `request`.

    Raises:
        NotCanonical: a kind that does not answer this request, or fields that are not its own.
    """
    for cls in answers_to(request):
        if kind_of(cls) == kind:
            reply: Reply = from_data(cls, data)
            return reply
    raise NotCanonical(f"{kind} does not answer {kind_of(type(request))}")


# -- what happens in the room without being asked ----------------------------------------------------------------------


class PersonPresent(Struct, frozen=True, kw_only=True):
    """Somebody of the roster is in the room from now on."""

    person: str


class PersonLeft(Struct, frozen=True, kw_only=True):
    """Somebody left the room."""

    person: str


class Substituted(Struct, frozen=True, kw_only=True):
    """Somebody stands in for a person of the roster who does not act any more; `by` said so."""

    absent: str
    instead: str
    by: str
    reason: str


class BreakBegun(Struct, frozen=True, kw_only=True):
    """The ceremony pauses; `by` asked for it."""

    by: str
    reason: str


class BreakEnded(Struct, frozen=True, kw_only=True):
    """The ceremony goes on."""


RoomEvent = PersonPresent | PersonLeft | Substituted | BreakBegun | BreakEnded
