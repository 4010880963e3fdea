"""Command lines that look at an emulated device and change nothing, or set up a new one."""
