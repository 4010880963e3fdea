"""The writer's half of the log: entries, the tree over them, signed notes. Bytes in and out; no files, no clock."""
