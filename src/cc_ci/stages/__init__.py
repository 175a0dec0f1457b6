"""What each stage does, in recipe words."""
