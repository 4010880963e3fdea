"""One structure, the finding, and its printers: each a pure function from findings to text."""
