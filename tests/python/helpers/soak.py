"""How many failures the tests inject. `make soak` sets higher numbers."""

import os

KILLS = int(os.environ.get("SUTRO_SERVICE_KILLS", "10"))
"""Times that a server under load is killed."""

STRIDE = int(os.environ.get("SUTRO_SYSCALL_STRIDE", "5"))
"""Of the system calls of a request, each which one fails; 1 for all."""
