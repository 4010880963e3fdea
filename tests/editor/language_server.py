"""The YAML language server of the editors, spoken to as an editor does: JSON-RPC on its standard input and output."""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any, Self

HERE = Path(__file__).resolve().parent
PROGRAM = HERE / "node_modules" / "yaml-language-server" / "bin" / "yaml-language-server"

PATIENCE = 60.0
"""Seconds until a server that says nothing is given up."""

_KEYS_AND_VALUES = {10, 12, 20}
"""`CompletionItemKind`: property, value, member of an enumeration."""


def missing() -> str:
    """Return why there is no language server here, "" where there is one."""
    if shutil.which("node") is None:
        return "there is no node on this machine"
    return "" if PROGRAM.exists() else "the language server is not installed: `make editor`"


class LanguageServer:
    """A server of its own, in a folder as an editor opens it; a document is open while it is asked about.

    Args:
        folder: the folder.
        settings: what a `settings.json` says; names with dots.
    """

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        self._settings = _nested(settings)
        node = shutil.which("node")
        assert node is not None
        command = [node, str(PROGRAM), "--stdio"]
        environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        self._said: queue.Queue[dict[str, Any]] = queue.Queue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        self._last = self._opened = 0
        self._configured = False
        capabilities = {
            "workspace": {"configuration": True, "workspaceFolders": True},
            "textDocument": {
                "hover": {"contentFormat": ["markdown", "plaintext"]},
                "completion": {"completionItem": {"documentationFormat": ["markdown"], "snippetSupport": False}},
                "publishDiagnostics": {"relatedInformation": True},
            },
        }
        self._ask(
            "initialize",
            {
                "processId": os.getpid(),
                "rootUri": folder.as_uri(),
                "workspaceFolders": [{"uri": folder.as_uri(), "name": folder.name}],
                "capabilities": capabilities,
            },
        )
        self._tell("initialized", {})
        self._tell("workspace/didChangeConfiguration", {"settings": self._settings})
        self._wait(lambda _one: self._configured)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._listener.join()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()

    # -- what an editor asks -----------------------------------------------------------------------------------------

    def diagnostics(self, path: Path, text: str) -> list[tuple[int, str]]:
        """Return line (from 1) and message of what is underlined in a document of this name and text."""
        (found,) = self.diagnostics_of([(path, text)])
        return found

    def diagnostics_of(self, documents: list[tuple[Path, str]]) -> list[list[tuple[int, str]]]:
        """Return what is underlined in each of several documents, which are open all at once."""
        uris = [self._open(path, text) for path, text in documents]
        found: dict[str, list[tuple[int, str]]] = {}
        while missing := set(uris) - set(found):
            told = self._wait(
                lambda one: one.get("method") == "textDocument/publishDiagnostics" and one["params"]["uri"] in missing
            )["params"]
            found[told["uri"]] = [(one["range"]["start"]["line"] + 1, one["message"]) for one in told["diagnostics"]]
        for uri in uris:
            self._close(uri)
        return [found[uri] for uri in uris]

    def completions(self, path: Path, text: str) -> list[str]:
        """Return the keys and values that are offered where `text` has a `§`; not the skeletons of whole mappings."""
        found = self._at_mark("textDocument/completion", path, text)
        return [item["label"] for item in found["items"] if item["kind"] in _KEYS_AND_VALUES]

    def hover(self, path: Path, text: str) -> str:
        """Return what is shown over the place where `text` has a `§`, as Markdown."""
        found = self._at_mark("textDocument/hover", path, text)
        return "" if found is None else str(found["contents"]["value"])

    def _at_mark(self, method: str, path: Path, text: str) -> Any:
        before, _, after = text.partition("§")
        uri = self._open(path, before + after)
        place = {"line": before.count("\n"), "character": len(before.rpartition("\n")[2])}
        found = self._ask(method, {"textDocument": {"uri": uri}, "position": place})
        self._close(uri)
        return found

    def _open(self, path: Path, text: str) -> str:
        """Open a document; each has a name of its own, so what is said of an earlier one is not taken for it."""
        self._opened += 1
        uri = path.with_name(f"{self._opened}.{path.name}").as_uri()
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self._tell("textDocument/didOpen", {"textDocument": document})
        return uri

    def _close(self, uri: str) -> None:
        self._tell("textDocument/didClose", {"textDocument": {"uri": uri}})

    # -- JSON-RPC ----------------------------------------------------------------------------------------------------

    def _ask(self, method: str, params: Any) -> Any:
        self._last += 1
        number = self._last
        self._send({"id": number, "method": method, "params": params})
        answer = self._wait(lambda one: one.get("id") == number and "method" not in one)
        assert "error" not in answer, answer
        return answer["result"]

    def _tell(self, method: str, params: Any) -> None:
        self._send({"method": method, "params": params})

    def _send(self, message: dict[str, Any]) -> None:
        content = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(content), content))
        self._process.stdin.flush()

    def _wait(self, wanted: Any) -> dict[str, Any]:
        """Return the next message that is wanted; the server's own questions are answered meanwhile."""
        while True:
            message = self._said.get(timeout=PATIENCE)
            if "method" in message and "id" in message:
                self._send({"id": message["id"], "result": self._answer(message)})
            if wanted(message):
                return message

    def _answer(self, message: dict[str, Any]) -> Any:
        if message["method"] != "workspace/configuration":
            return None
        self._configured = True
        return [self._settings.get(item["section"], {}) for item in message["params"]["items"]]

    def _listen(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        while line := stream.readline():
            name, _, value = line.decode().partition(":")
            if name == "Content-Length":
                while stream.readline().strip():  # other headers, up to the empty line
                    pass
                content = stream.read(int(value))
                if len(content) == int(value):  # it is shorter where the server was ended
                    self._said.put(json.loads(content))


def _nested(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings as the server asks for them: by section, `a.b: x` as `b: x` in `a`."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        inner = found
        *sections, last = name.split(".")
        for section in sections:
            inner = inner.setdefault(section, {})
        inner[last] = value
    return found
