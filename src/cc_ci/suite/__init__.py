"""A recipe's suite: its facts, and its tests run as an untrusted, unprivileged user."""
