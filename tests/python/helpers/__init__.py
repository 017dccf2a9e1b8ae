"""Helpers shared by the tests: servers, clients, disks and assertions."""
