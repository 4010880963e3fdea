"""What the device is asked and what it answers: frozen, flat, without secrets.

A command is whole: the card and PIN dialogue happens inside it (through `Dialogue`), so nothing volatile in the device
outlives one command. Key hashes are 40 hex digits, file digests SHA-256 in lower-case hex, sizes are in bytes.

What the facts in them are is in `facts.py`, what is about operators' cards and softcards in `operator_messages.py`.
The module is longer than others because the rest of the device's vocabulary is in one place.
"""

from __future__ import annotations

from msgspec import Struct

from hsm_emulator.facts import CardFact, FileFact, KeyFact, Mode  # noqa: TC001 (msgspec reads type hints at run time)
from hsm_emulator.operator_messages import OperatorChange, OperatorLook, OperatorReply
from hsm_emulator.world_messages import Feature, WorldChange, WorldFact, WorldLook, WorldMode, WorldReply

# -- looking, changing nothing ---------------------------------------------------------------------------------------


class Enquiry(Struct, frozen=True, kw_only=True):
    """What does the module say of itself? Answered by `ModuleState`."""


class ModuleState(Struct, frozen=True, kw_only=True):
    """The module as it stands.

    `hknso` is "" where it holds no world; `world` is None where its file is not as it was signed; `audit_size` and
    `audit_head` are its own receipts' count and chain head.
    """

    esn: str
    mode: Mode
    hknso: str
    usable: bool
    keys: tuple[KeyFact, ...]
    cards: tuple[CardFact, ...]
    files: tuple[FileFact, ...]
    world: WorldFact | None
    audit_size: int
    audit_head: str


class VerifyPackages(Struct, frozen=True, kw_only=True):
    """Check a region's KEK and Security World packages up to the maker's root. Answered by `PackagesVerified`."""

    kek_package: bytes
    world_package: bytes


class PackagesVerified(Struct, frozen=True, kw_only=True):
    """Every check passed. Whether `root_hash` is the one expected is for the asker to say.

    `kek_hash` is the KEK's key hash, `world_hash` the receiving world's hkm, `hknso` its identity, `suite` its cipher
    suite, `region` the token both packages name (such as EU-1).
    """

    root_hash: str
    kek_hash: str
    world_hash: str
    hknso: str
    region: str
    suite: str


class InspectKey(Struct, frozen=True, kw_only=True):
    """Show the permissions of a key file (aclprint and kmfile-dump). Answered by `KeyInspected`."""

    app: str
    ident: str


class KeyInspected(Struct, frozen=True, kw_only=True):
    """The permissions of a key, read out of its authenticated blob.

    `archive_to` and `blob_to` are the hashes of the one key each that the copy may be encrypted to, "" where none,
    and "several" where more than one; `rights` are the operation permissions in use, sorted, by their nCore names;
    `transferable` names every place outside its world that it may be encrypted for (`verdict.Verdict`); `acl` and
    `dump` are the tools' pages as text.
    """

    key_hash: str
    exportable: bool
    recoverable: bool
    archive_to: str
    blob_to: str
    rights: tuple[str, ...]
    transferable: tuple[str, ...]
    acl: str
    dump: str


class ProveKey(Struct, frozen=True, kw_only=True):
    """Sign a challenge with an application key. Answered by `KeyProved`."""

    app: str
    ident: str
    challenge: bytes


class KeyProved(Struct, frozen=True, kw_only=True):
    """The key signed: RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017).

    Public key (DER SubjectPublicKeyInfo) and signature are base64.
    """

    key_hash: str
    public_key: str
    signature: str


class Since(Struct, frozen=True, kw_only=True):
    """What was committed after the receipt whose chain hash is `head`? Answered by `Happened`."""

    head: str


class Happened(Struct, frozen=True, kw_only=True):
    """The ids of the requests committed since, oldest first; PIN tries are left out.

    `known` is false where the device has no such receipt.
    """

    known: bool
    request_ids: tuple[str, ...]


class CollectOutput(Struct, frozen=True, kw_only=True):
    """Give the bytes that the request `request_id` put into the outbox. Idempotent. Answered by `Output`."""

    request_id: str


class Output(Struct, frozen=True, kw_only=True):
    """Bytes that leave the device: a transfer package."""

    content: bytes


class ExamineCard(Struct, frozen=True, kw_only=True):
    """Say what the card with this serial is (cardpp --examine). Answered by `CardExamined`."""

    serial: str


class CardExamined(Struct, frozen=True, kw_only=True):
    """What is written on a card, none of it authenticated: card `number` of a set of `cards`, `threshold` needed.

    A blank card has no `set_name` and no `hknso` ("") and zeros. `failures` are the wrong PINs in a row, of which
    `lockout` lock it, 0 for never: these two the chip says. `replaced` says that it is of an Administrator Card Set of
    the module's world that the world file does not name any more.
    """

    serial: str
    set_name: str
    number: int
    cards: int
    threshold: int
    hknso: str
    failures: int
    lockout: int
    replaced: bool


# -- changing the device: each is committed once, under a request id ---------------------------------------------------


class ChangeMode(Struct, frozen=True, kw_only=True):
    """Move the mode switch and clear the module's memory (nopclearfail). Answered by `ModeChanged`."""

    mode: Mode


class ModeChanged(Struct, frozen=True, kw_only=True):
    """The mode the module is in now."""

    mode: Mode


class NewWorld(Struct, frozen=True, kw_only=True):
    """Create a Security World and its Administrator Card Set (new-world --initialize). Answered by `WorldMade`.

    `nso_timeout` is in seconds, 0 for the usual one; `features` gives features with a quorum of their own, `without`
    those that are left out for ever.
    `lockout`: so many wrong PINs in a row lock a card of the set; 0 for never. No device has it (`tries.py`).
    """

    cipher_suite: str
    threshold: int
    cards: int
    mode: WorldMode = WorldMode.UNRESTRICTED
    nso_timeout: int = 0
    features: tuple[tuple[Feature, int], ...] = ()
    without: tuple[Feature, ...] = ()
    lockout: int = 0


class WorldMade(Struct, frozen=True, kw_only=True):
    """A world exists: all cards were written, read back and recombined. `world` is the world file.

    `hkre` is "" in a world without recovery.
    """

    hknso: str
    hkm: str
    hkre: str
    cards: tuple[CardFact, ...]
    world: FileFact


class ReplaceCards(Struct, frozen=True, kw_only=True):
    """Put a new Administrator Card Set in the place of the old, K of N alike (racs). Answered by `CardsReplaced`."""


class CardsReplaced(Struct, frozen=True, kw_only=True):
    """`cards` are the new set, `read` the old cards that allowed it; `world` is the world file from now on."""

    hknso: str
    read: tuple[CardFact, ...]
    cards: tuple[CardFact, ...]
    world: FileFact


class TryCards(Struct, frozen=True, kw_only=True):
    """Try whether cards open the world: a quorum of them, or `every` quorum of all. Answered by `CardsTried`."""

    every: bool


class CardsTried(Struct, frozen=True, kw_only=True):
    """Whether the cards opened the world: none of them is of another set, and every quorum tried opens KNSO and KM."""

    opens: bool
    hknso: str
    cards: tuple[CardFact, ...]


class RestoreFile(Struct, frozen=True, kw_only=True):
    """Put a file of a backup back into the world's folder. Answered by `FileRestored`."""

    name: str
    content: bytes


class FileRestored(Struct, frozen=True, kw_only=True):
    """The file is there."""

    file: FileFact


class LoadWorld(Struct, frozen=True, kw_only=True):
    """Bring the module into the world in its folder (new-world --program). Answered by `WorldLoaded`.

    `threshold` is how many cards the asker knows to be a quorum of that world; 0: as many as its file says.
    """

    threshold: int = 0


class WorldLoaded(Struct, frozen=True, kw_only=True):
    """The module is in the world; `cards` allowed it."""

    hknso: str
    hkm: str
    cards: tuple[CardFact, ...]
    world: FileFact


class GenerateKey(Struct, frozen=True, kw_only=True):
    """Generate an application key (generatekey --generate APP). Answered by `KeyGenerated`.

    `protect` is module, token or softcard; `token` is the name or hkltu of the card set or softcard, "" for module.
    Without `recovery` the key has no recovery blob, also in a world with recovery.
    """

    app: str
    ident: str
    plainname: str
    type: str
    size: int
    protect: str
    nvram: bool
    pubexp: str
    token: str = ""
    recovery: bool = True


class KeyGenerated(Struct, frozen=True, kw_only=True):
    """A key exists. `public_key` is base64 of its DER SubjectPublicKeyInfo."""

    key_hash: str
    public_key: str
    file: FileFact


class ModifyAcls(Struct, frozen=True, kw_only=True):
    """Make the copy with reduced permissions (KeyTransferRemote -ModifyAcls). Answered by `AclsModified`."""

    app: str
    ident: str
    kek_package: bytes
    world_package: bytes


class AclsModified(Struct, frozen=True, kw_only=True):
    """`key_xferacld_<ident>` exists; `cards` are the administrator cards that were read."""

    key_hash: str
    cards: tuple[CardFact, ...]
    file: FileFact


class Package(Struct, frozen=True, kw_only=True):
    """Encrypt the reduced copy to a region's KEK (KeyTransferRemote -Package). Answered by `Packaged`."""

    ident: str
    kek_package: bytes
    world_package: bytes
    subscription_id: str
    friendly_name: str


class Packaged(Struct, frozen=True, kw_only=True):
    """A transfer package lies in the outbox under this request's id."""

    key_hash: str
    region: str
    size: int
    sha256: str


class DeleteKey(Struct, frozen=True, kw_only=True):
    """Remove a key file from the world's folder. Answered by `KeyDeleted`."""

    app: str
    ident: str


class KeyDeleted(Struct, frozen=True, kw_only=True):
    """The file is gone; its digest is that of the bytes removed."""

    key_hash: str
    file: FileFact


class CheckPin(Struct, frozen=True, kw_only=True):
    """Check the PIN of an administrator or operator card (cardpp --check). Answered by `PinChecked`."""


class PinChecked(Struct, frozen=True, kw_only=True):
    """The PIN of the one card in `cards` is right."""

    cards: tuple[CardFact, ...]


class ChangePin(Struct, frozen=True, kw_only=True):
    """Give an administrator or operator card a new PIN (cardpp --change). Answered by `PinChanged`."""


class PinChanged(Struct, frozen=True, kw_only=True):
    """The one card in `cards` has the new PIN, and was read back with it."""

    cards: tuple[CardFact, ...]


Look = Enquiry | VerifyPackages | InspectKey | ProveKey | Since | CollectOutput | ExamineCard | OperatorLook | WorldLook
Change = (
    ChangeMode
    | NewWorld
    | ReplaceCards
    | TryCards
    | RestoreFile
    | LoadWorld
    | GenerateKey
    | ModifyAcls
    | Package
    | DeleteKey
    | CheckPin
    | ChangePin
    | OperatorChange
    | WorldChange
)
Command = Look | Change
Reply = (
    ModuleState
    | PackagesVerified
    | KeyInspected
    | KeyProved
    | Happened
    | Output
    | CardExamined
    | ModeChanged
    | WorldMade
    | CardsReplaced
    | CardsTried
    | FileRestored
    | WorldLoaded
    | KeyGenerated
    | AclsModified
    | Packaged
    | KeyDeleted
    | PinChecked
    | PinChanged
    | OperatorReply
    | WorldReply
)
