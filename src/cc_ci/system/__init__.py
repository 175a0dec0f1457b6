"""Processes, clock, files, locks, git, http, pressure: the thin edge to the machine."""
