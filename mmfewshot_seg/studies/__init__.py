"""Experiments behind the figures of the documents: the demo, comparisons, yardsticks."""
