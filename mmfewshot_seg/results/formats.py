"""Formats in which results are written."""

FORMATS = ('png', 'labelme', 'coco', 'coco-polygons', 'csv')
