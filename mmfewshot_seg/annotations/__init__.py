"""Annotations as people have them: one reader of all formats, label maps, converters."""
