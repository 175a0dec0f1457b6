"""Docker Swarm: pure argv and typed state, labels, events, waiting, the stack driver."""
