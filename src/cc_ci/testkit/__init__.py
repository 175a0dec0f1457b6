"""Fakes for tests of stages, drivers and whole runs: no Docker, no network, no waiting.

docs/how-to/develop.md has a page on it. Nothing of cc-ci itself imports it.
"""
