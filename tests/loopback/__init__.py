"""A server of our own that speaks the Anthropic Messages API on the loopback interface, faults included."""
