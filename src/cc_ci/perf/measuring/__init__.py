"""Making measured runs, one after the other, on a node of their own."""
