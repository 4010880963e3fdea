"""Every request and reply that may cross between the core and the world.

An action awaits a request and gets a reply of a kind the request names; there is no asyncio, the engine drives the
coroutine with `send`. Requests and replies are flat, frozen and without secrets: a PIN never has a place here.
Digests are lower-case hex, sizes bytes, `public_key` is base64 of a DER SubjectPublicKeyInfo (RFC 5280), key hashes
are 40 hex digits.

The module is longer than others because the union is closed in one place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast, get_args

from runner.canonical import NotCanonical
from runner.codec import from_data, kind_of
from runner.errors import Defect

if TYPE_CHECKING:
    from collections.abc import Generator

R_co = TypeVar("R_co", covariant=True)


class Asking(Generic[R_co]):
    """A request that knows the type of its reply."""

    __slots__ = ()

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


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRefused:
    """The device said no and changed nothing: its status, and words for the operator."""

    status: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesRefused:
    """A file could not be obtained, carried, unpacked or kept; nothing was left half-written."""

    rule: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Declined:
    """A person declined, and said why; it answers any request to people, and ends the ceremony."""

    person: str
    reason: str


# -- people ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """`count` distinct people in one role; where `holders_of` is a card set, each holds a card of it."""

    role: str
    count: int
    holders_of: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """A person, and the one role they act in for a step."""

    person: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleGathered:
    """Who acts in this step."""

    acting: tuple[Acting, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GatherPeople(Asking[PeopleGathered]):
    """Call the people this step needs."""

    needs: tuple[Need, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueGiven:
    """What a person typed."""

    value: str
    person: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AskValue(Asking[ValueGiven]):
    """Ask for a value that a person reads off a screen, a bag or a document. Never a secret."""

    name: str
    ask: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandsDone:
    """A person says that the thing is done."""

    person: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DoByHand(Asking[HandsDone]):
    """Let people do something no machine here can see."""

    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionGranted:
    """These people let it pass, and said why."""

    people: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AskException(Asking[ExceptionGranted]):
    """Ask whether a result that is not as expected may pass: by so many people of a role. Never for digests."""

    rule: str
    result: str
    found: str
    expected: str
    role: str
    people: int


# -- files -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class FileArrived:
    """A file is where it was asked to be; size and digest are of the bytes read back there."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ObtainFile(Asking[FileArrived | FilesRefused]):
    """Obtain a published file onto a station."""

    file: str
    at: str
    at_most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CarryFile(Asking[FileArrived | FilesRefused]):
    """Copy a file onto a medium, carry it to another station, copy it there."""

    file: str
    store: str
    source: str
    medium: str
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BackUpFile(Asking[FileArrived | FilesRefused]):
    """Copy a file onto a medium that keeps it."""

    file: str
    store: str
    at: str
    medium: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpackedItem:
    """An item that came out of an archive."""

    file: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveUnpacked:
    """Exactly the items asked for, in their order."""

    items: tuple[UnpackedItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpackArchive(Asking[ArchiveUnpacked | FilesRefused]):
    """Unpack a zip that holds exactly these items and nothing else; it is checked before a byte is written."""

    file: str
    at: str
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAtFile(Asking[FileArrived | FilesRefused]):
    """Look at a file that people put or changed at a station."""

    file: str
    at: str
    at_most: int


# -- the HSM -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeSet:
    """The mode the module is in."""

    mode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetMode(Asking[ModeSet | DeviceRefused]):
    """Move the module's mode switch."""

    mutates = True
    device: str
    mode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A person, and the number of the card of the set they hold."""

    person: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CardRead:
    """A card the device read or wrote: its number in the set, and its serial."""

    number: int
    serial: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldCreated:
    """A Security World and its Administrator Card Set exist."""

    hknso: str
    hkm: str
    hkre: str
    cards: tuple[CardRead, ...]
    file: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateWorld(Asking[WorldCreated | DeviceRefused]):
    """Create a Security World; the holders put their cards in and choose their PINs inside this request."""

    mutates = True
    device: str
    cipher_suite: str
    card_set: str
    threshold: int
    cards: int
    holders: tuple[Holder, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceInspected:
    """The module is in a world and usable; `cards` are those it wrote last, none where it wrote none itself."""

    mode: str
    hknso: str
    cards: tuple[CardRead, ...]
    file: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectDevice(Asking[DeviceInspected | DeviceRefused]):
    """Look at the module, its world and its world file."""

    device: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CardsReplaced:
    """The cards `read` are old now; `cards` open the world, and its file is another."""

    hknso: str
    read: tuple[CardRead, ...]
    cards: tuple[CardRead, ...]
    file: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceCards(Asking[CardsReplaced | DeviceRefused]):
    """Replace a card set by one of the same quorum: old cards are read, and new ones written, inside this request."""

    mutates = True
    device: str
    old: str
    new: str
    threshold: int
    cards: int
    holders: tuple[Holder, ...]
    new_holders: tuple[Holder, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CardsTried:
    """Whether these cards open the world of the module."""

    opens: bool
    hknso: str
    cards: tuple[CardRead, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TryCards(Asking[CardsTried | DeviceRefused]):
    """Try whether cards open the world: a `quorum` of them, or `every` quorum of all. It counts tries of PINs."""

    mutates = True
    device: str
    card_set: str
    choices: str
    holders: tuple[Holder, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileShown:
    """The file is in the world's folder of the device."""

    file: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowFile(Asking[FileShown | DeviceRefused]):
    """Look at a file in the world's folder of a device."""

    device: str
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRestored:
    """The file is in the world's folder of the device now."""

    file: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreFile(Asking[FileRestored | DeviceRefused | FilesRefused]):
    """Put a file of a backup into the world's folder of a device without a world: the one with this digest."""

    mutates = True
    device: str
    at: str
    file: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldLoaded:
    """The module is in the world whose file was in its folder; `cards` allowed it."""

    hknso: str
    hkm: str
    cards: tuple[CardRead, ...]
    file: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadWorld(Asking[WorldLoaded | DeviceRefused]):
    """Bring a module into the world in its folder; a quorum of `threshold` cards is read inside this request."""

    mutates = True
    device: str
    card_set: str
    threshold: int
    holders: tuple[Holder, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PackagesVerified:
    """The packages hold together up to the maker whose root has this hash."""

    root_hash: str
    kek_hash: str
    world_hash: str
    hknso: str
    region: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyPackages(Asking[PackagesVerified | DeviceRefused]):
    """Verify a region's KEK and Security World packages."""

    device: str
    at: str
    kek: str
    world: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyMade:
    """A key exists in the world's folder."""

    key_hash: str
    public_key: str
    file: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerateKey(Asking[KeyMade | DeviceRefused]):
    """Generate an application key."""

    mutates = True
    device: str
    app: str
    ident: str
    type: str
    size: int
    protect: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyReduced:
    """The copy with reduced permissions exists; these cards authorised it."""

    key_hash: str
    cards: tuple[CardRead, ...]
    file: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReduceKey(Asking[KeyReduced | DeviceRefused]):
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


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyInspected:
    """What a key's own access control list allows."""

    key_hash: str
    exportable: bool
    recoverable: bool
    archive_to: str
    blob_to: str
    rights: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectKey(Asking[KeyInspected | DeviceRefused]):
    """Read a key's permissions."""

    device: str
    app: str
    ident: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyProved:
    """The key signed what `runner/proofs.py` says of the request whose id is `challenge`; `signature` is base64."""

    key_hash: str
    public_key: str
    challenge: str
    signature: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProveKey(Asking[KeyProved | DeviceRefused]):
    """Have a key sign the id of this very request, which nobody can know before it is written down."""

    device: str
    app: str
    ident: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageSealed:
    """A transfer package waits in the device's outbox under the id `output`."""

    key_hash: str
    region: str
    size: int
    sha256: str
    output: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SealPackage(Asking[PackageSealed | DeviceRefused]):
    """Encrypt the reduced copy to the region's key exchange key."""

    mutates = True
    device: str
    at: str
    ident: str
    kek: str
    world: str
    subscription_id: str
    friendly_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectPackage(Asking[FileArrived | DeviceRefused | FilesRefused]):
    """Collect a package from the outbox into a new file. Idempotent on the device."""

    device: str
    output: str
    file: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyDestroyed:
    """The key file is gone; size and digest are of the bytes removed."""

    key_hash: str
    file: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DestroyKey(Asking[KeyDestroyed | DeviceRefused]):
    """Remove a key file from the world's folder."""

    mutates = True
    device: str
    app: str
    ident: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysListed:
    """The files of all keys in the world's folder, sorted."""

    files: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListKeys(Asking[KeysListed | DeviceRefused]):
    """Look which keys there are."""

    device: str


# -- the receiving vault -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyImported:
    """The vault holds the key, and proved it with a signature that the source's public key verifies."""

    key_hash: str
    public_key: str
    kid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportKey(Asking[KeyImported | DeviceRefused]):
    """Import a transfer package into a vault."""

    mutates = True
    device: str
    at: str
    package: str
    vault: str
    name: str
    subscription_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultKeyRead:
    """A key as the vault shows it."""

    key_hash: str
    public_key: str
    kid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadVaultKey(Asking[VaultKeyRead | DeviceRefused]):
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


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonPresent:
    """Somebody of the roster is in the room from now on."""

    person: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonLeft:
    """Somebody left the room."""

    person: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Substituted:
    """Somebody stands in for a person of the roster who does not act any more; `by` said so."""

    absent: str
    instead: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakBegun:
    """The ceremony pauses; `by` asked for it."""

    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakEnded:
    """The ceremony goes on."""


RoomEvent = PersonPresent | PersonLeft | Substituted | BreakBegun | BreakEnded
