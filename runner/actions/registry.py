"""The visible list of actions. Adding one is a file beside this one and a line here."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from runner.actions import (
    attach_evidence,
    back_up,
    carry_media,
    change_by_hand,
    create_world,
    destroy_cards,
    destroy_key,
    do_by_hand,
    generate_key,
    import_key,
    inspect_device,
    inspect_key,
    load_world,
    obtain_file,
    prove_key,
    read_vault_key,
    record_custody,
    record_facts,
    reduce_key,
    replace_cards,
    restore_files,
    seal_package,
    set_mode,
    show_files,
    try_cards,
    unpack_archive,
    verify_packages,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.actions.interface import Action

ALL: Final[tuple[Action[Any], ...]] = (
    attach_evidence.ACTION,
    back_up.ACTION,
    carry_media.ACTION,
    change_by_hand.ACTION,
    create_world.ACTION,
    destroy_cards.ACTION,
    destroy_key.ACTION,
    do_by_hand.ACTION,
    generate_key.ACTION,
    import_key.ACTION,
    inspect_device.ACTION,
    inspect_key.ACTION,
    load_world.ACTION,
    obtain_file.ACTION,
    prove_key.ACTION,
    read_vault_key.ACTION,
    record_custody.ACTION,
    record_facts.ACTION,
    reduce_key.ACTION,
    replace_cards.ACTION,
    restore_files.ACTION,
    seal_package.ACTION,
    set_mode.ACTION,
    show_files.ACTION,
    try_cards.ACTION,
    unpack_archive.ACTION,
    verify_packages.ACTION,
)

BY_NAME: Final[Mapping[str, Action[Any]]] = MappingProxyType({action.name: action for action in ALL})
BY_PIN: Final[Mapping[str, Action[Any]]] = MappingProxyType({action.pinned: action for action in ALL})
