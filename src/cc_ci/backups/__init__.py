"""Backups as the recipe's labels ask for them: hooks, restic, restore."""
