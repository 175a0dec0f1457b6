"""What measured runs say: pure, and without an engine."""
