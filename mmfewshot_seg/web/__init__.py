"""A page in the browser: show a few images, paint what is sought, segment others."""

from mmfewshot_seg.web.server import PageServer

__all__ = ['PageServer']
