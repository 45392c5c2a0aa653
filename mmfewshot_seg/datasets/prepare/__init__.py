"""Data sets in the layouts that configs expect, made from published archives."""
