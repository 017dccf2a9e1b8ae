"""How many failures the tests inject. `make soak` sets higher numbers."""

import os

KILLS = int(os.environ.get("SUTRO_SERVICE_KILLS", "10"))
"""How often a server under load is killed."""

STRIDE = int(os.environ.get("SUTRO_SYSCALL_STRIDE", "5"))
"""Inject a failure into every n-th system call of a request; 1 means all."""
