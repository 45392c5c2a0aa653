"""Pure functions on arrays, tensors and names; nothing of a host is imported."""
