"""Recipe repositories, read and understood without Docker."""
