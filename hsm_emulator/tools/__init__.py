"""The vendor's command lines on an emulated device, and a few of the emulator's own."""
