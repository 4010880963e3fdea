"""A declarative key-ceremony runner: YAML in, an audit log and a transfer package out, and a verifier that says so.

One flow: bytes → `document` → `render` → `check` → `engine` ⇄ `host.session` ⇄ `backends` → record → `verification`.
Data moves one way; the only loop is request and reply between engine and session. `docs/architecture.md` has the map.
"""

from __future__ import annotations

__version__ = "0.1.0"
