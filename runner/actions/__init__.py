"""The actions a step can be: one file each, and the list of them in `registry`."""
