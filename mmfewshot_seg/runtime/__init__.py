"""Predictions of exported networks: ONNX Runtime, NumPy, OpenCV and Pillow, no PyTorch, no host."""

try:
    import onnxruntime  # noqa: F401
except ImportError as error:
    raise ImportError(
        'mmfewshot_seg.runtime needs ONNX Runtime. Install it: pip install onnxruntime'
    ) from error

from mmfewshot_seg.runtime.fewshot_inferencer import OnnxFewShotInferencer
from mmfewshot_seg.runtime.onnx_graph import OnnxGraph
from mmfewshot_seg.runtime.semantic_inferencer import OnnxSemanticInferencer

__all__ = ['OnnxFewShotInferencer', 'OnnxGraph', 'OnnxSemanticInferencer']
