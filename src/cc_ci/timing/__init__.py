"""Spans, the critical path, resource samples."""
