"""The devices a ceremony can run against: the emulator is the default; each backend is one file."""
