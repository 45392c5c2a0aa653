"""Instances of a label map, and files of them for other programs."""
