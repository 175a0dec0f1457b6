"""Test Co-op Cloud recipes on a real Docker Swarm node, and name every second of it."""
