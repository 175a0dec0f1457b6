"""One run: planner (pure) -> Plan -> executor -> results."""
