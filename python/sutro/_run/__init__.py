"""How a call runs: its arguments, the job of the core that does it, and what waits for the job."""
