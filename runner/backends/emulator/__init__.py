"""The emulator as a backend: the only door to `hsm_emulator`. Everything behind it is SIMULATED."""
