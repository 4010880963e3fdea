from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from editor_bench import ROOT
from language_server import LanguageServer, missing

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def server() -> Iterator[LanguageServer]:
    """The language server with no settings but that nothing is fetched: schemas are those the files name."""
    if why := missing():
        pytest.skip(why)
    offline = {"yaml.schemaStore.enable": False, "yaml.kubernetesCRDStore.enable": False}
    with LanguageServer(ROOT, offline) as running:
        yield running
