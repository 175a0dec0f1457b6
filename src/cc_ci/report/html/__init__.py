"""A run, or a set of runs, as one HTML file that needs nothing but itself."""
