"""Where the time goes: baselines, limits, attribution, comparison."""
