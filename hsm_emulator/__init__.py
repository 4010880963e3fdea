"""A stateful, file-based stand-in for an nShield module and its Security World. Everything it makes is SIMULATED.

The crypto is real and the boundary is honest: whoever reads a `silicon/` folder has opened the HSM; everything else is
safe to publish minus a quorum of cards. See `docs/emulator.md`. This package knows nothing of the runner.
"""

from __future__ import annotations

__version__ = "0.1.0"
