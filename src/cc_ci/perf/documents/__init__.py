"""What people read of measured runs."""
