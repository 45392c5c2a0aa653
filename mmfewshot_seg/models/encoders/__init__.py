"""Pretrained encoders for every wing, and where their weights come from."""

from mmfewshot_seg.models.encoders.timm_encoder import TimmEncoder

__all__ = ['TimmEncoder']
