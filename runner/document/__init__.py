"""From YAML bytes to typed documents, with the place of every key and value, and every fault at once."""
