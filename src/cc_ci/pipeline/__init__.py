"""One run: planner (pure) -> plan -> coordinator and workers -> results."""
