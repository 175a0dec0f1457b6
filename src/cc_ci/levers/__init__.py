"""Levers, profiles and arms: each switch that may change a run's speed, once, for all that read of it."""
