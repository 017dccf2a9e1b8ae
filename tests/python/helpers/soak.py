"""How many failures the tests inject. `make soak` sets higher numbers."""

import os

KILLS = int(os.environ.get("SUTRO_SERVICE_KILLS", "10"))
"""How often a server under load is killed."""

STRIDE = int(os.environ.get("SUTRO_SYSCALL_STRIDE", "5"))
"""Inject a failure into every n-th system call of a request; 1 means all."""

FLEET_CLIENTS = int(os.environ.get("SUTRO_FLEET_CLIENTS", "16"))
FLEET_UPLOADS = int(os.environ.get("SUTRO_FLEET_UPLOADS", "20"))
FLEET_KILLS = int(os.environ.get("SUTRO_FLEET_KILLS", "5"))
"""How many clients upload through a balancer, how many files each uploads at least, and how many
servers are killed meanwhile."""
