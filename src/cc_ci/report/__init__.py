"""Renderings of a results.json for people and for other tools."""
