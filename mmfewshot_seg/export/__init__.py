"""Networks as ONNX graphs: ``tools/export.py``."""

try:
    import onnx  # noqa: F401
    import onnxruntime  # noqa: F401
    import onnxscript  # noqa: F401
except ImportError as error:
    raise ImportError(
        f"export needs {error.name}. Install it: pip install 'mmfewshot_seg[export]'"
    ) from error

from mmfewshot_seg.export.export_model import export_model

__all__ = ['export_model']
