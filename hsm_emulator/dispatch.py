"""Which function answers which command. Nothing else happens here."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from hsm_emulator import (
    areas,
    creation,
    erasure,
    key_recovery,
    keys,
    module,
    operators,
    pages,
    passphrases,
    pin_recovery,
    preloading,
    replacement,
    restoration,
    softcard_changes,
    transfer,
    trials,
)
from hsm_emulator.errors import Refused, Status
from hsm_emulator.messages import (
    ChangeMode,
    ChangePin,
    CheckPin,
    CollectOutput,
    DeleteKey,
    Enquiry,
    ExamineCard,
    GenerateKey,
    Happened,
    InspectKey,
    LoadWorld,
    ModifyAcls,
    NewWorld,
    Output,
    Package,
    ProveKey,
    ReplaceCards,
    RestoreFile,
    Since,
    TryCards,
    VerifyPackages,
)
from hsm_emulator.operator_messages import (
    ChangeSoftcard,
    CheckSoftcard,
    CreateCardSet,
    CreateSoftcard,
    DeleteSoftcard,
    EjectCard,
    InsertCard,
    ListOperators,
    Preload,
    RecoverKeys,
    RecoverPin,
    RecoverSoftcard,
    Unload,
)
from hsm_emulator.world_messages import (
    AllocateArea,
    EraseCards,
    EraseModule,
    FreeArea,
    ListAreas,
    ReadArea,
    RestoreArea,
    SaveArea,
    WriteArea,
)

if TYPE_CHECKING:
    from hsm_emulator.messages import Change, Look, Reply
    from hsm_emulator.quorum import Call
    from hsm_emulator.replies import Stored
    from hsm_emulator.state import State
    from hsm_emulator.store import Store


def look(  # noqa: C901, PLR0911 (it only dispatches)
    state: State, command: Look, store: Store, now_ms: int
) -> Reply:
    """Answer a question about the committed state; `now_ms` is the time in milliseconds since 1970.

    Raises:
        Refused: as the command says.
    """
    match command:
        case Enquiry():
            return module.enquire(state, store.size, store.head)
        case VerifyPackages():
            return transfer.verify_packages(state, command)
        case InspectKey():
            return pages.inspect_key(state, command, now_ms)
        case ProveKey():
            return keys.prove_key(state, command, now_ms)
        case Since():
            known, request_ids = store.since(command.head)
            return Happened(known=known, request_ids=request_ids)
        case CollectOutput():
            content = store.outbox(command.request_id)
            if content is None:
                raise Refused(Status.UNKNOWN_ID, f"request {command.request_id} put nothing into the outbox")
            return Output(content=content)
        case ExamineCard():
            return passphrases.examine_card(state, command)
        case ListOperators():
            return operators.list_operators(state, now_ms)
        case ListAreas():
            return areas.list_areas(state)
        case ReadArea():
            return areas.read_area(state, command)
        case _:
            assert_never(command)


def change(  # noqa: C901, PLR0911, PLR0912 (it only dispatches)
    state: State, command: Change, request_id: str, call: Call
) -> tuple[State, Stored]:
    """Return the state after a command and the reply, for one commit.

    Raises:
        Refused: as the command says.
    """
    match command:
        case ChangeMode():
            return module.change_mode(state, command, call.draw)
        case NewWorld():
            return creation.new_world(state, command, call)
        case ReplaceCards():
            return replacement.replace_cards(state, call)
        case TryCards():
            return trials.try_cards(state, command, call)
        case RestoreFile():
            return restoration.restore_file(state, command)
        case LoadWorld():
            return restoration.load_world(state, command, call)
        case GenerateKey():
            return keys.generate_key(state, command, call)
        case ModifyAcls():
            return transfer.modify_acls(state, command, call)
        case Package():
            return transfer.package(state, command, request_id, call.draw)
        case DeleteKey():
            return keys.delete_key(state, command)
        case CheckPin():
            return passphrases.check_pin(state, call)
        case ChangePin():
            return passphrases.change_pin(state, call)
        case CreateCardSet():
            return operators.create_card_set(state, command, call)
        case CreateSoftcard():
            return softcard_changes.create_softcard(state, command, call)
        case CheckSoftcard():
            return softcard_changes.check_softcard(state, command, call)
        case ChangeSoftcard():
            return softcard_changes.change_softcard(state, command, call)
        case DeleteSoftcard():
            return softcard_changes.delete_softcard(state, command, call)
        case RecoverSoftcard():
            return pin_recovery.recover_softcard(state, command, call)
        case RecoverPin():
            return pin_recovery.recover_pin(state, call)
        case Preload():
            return preloading.preload(state, command, call)
        case Unload():
            return preloading.unload(state, command, call)
        case RecoverKeys():
            return key_recovery.recover_keys(state, command, call)
        case InsertCard():
            return preloading.insert_card(state, command, call.draw)
        case EjectCard():
            return preloading.eject_card(state, command, call.draw)
        case AllocateArea():
            return areas.allocate_area(state, command, call)
        case WriteArea():
            return areas.write_area(state, command, call)
        case FreeArea():
            return areas.free_area(state, command, call)
        case SaveArea():
            return areas.save_area(state, command, call)
        case RestoreArea():
            return areas.restore_area(state, command, call)
        case EraseModule():
            return erasure.erase_module(state, call.draw)
        case EraseCards():
            return erasure.erase_cards(state, command, call)
        case _:
            assert_never(command)
