"""Backup and restore as an operator's backup-bot-two does them: labels, hooks, restic."""
