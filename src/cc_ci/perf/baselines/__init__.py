"""Sets of measured runs, on disk and as they were read."""
