"""How long a test waits for what should come: it fails where that never comes, not where the machine is busy."""

#: Seconds.
PATIENCE_S = 600
