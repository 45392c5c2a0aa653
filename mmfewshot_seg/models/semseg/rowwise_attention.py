"""Attention of every position to every other in memory that grows linearly with their number.

Shape letters: ``B`` images, ``D`` channels of queries and keys, ``C`` channels of values, ``N``
positions, ``R`` rows of the attention matrix at a time.
"""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from mmfewshot_seg.compat import is_traced

ROWS = 256  # more are no faster, fewer make the matrix products slower
FUSED_WIDTH = 8  # the widths that CUDA's memory-efficient kernel takes are multiples of it


def position_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """``value @ softmax(query.T @ key).T`` of each image, never holding the (N, N) matrix.

    On CUDA PyTorch's fused kernel computes it, where the widths allow. Its counterpart on the CPU
    refuses values of another width than the queries, and would then hold the matrix after all;
    there, blocks of rows are computed one after the other, and again for the gradients.

    Args:
        query: (B, D, N), of any float dtype; half precision is summed up in float32.
        key: (B, D, N).
        value: (B, C, N).

    Returns:
        (B, C, N), of the dtype of ``value``.

    Note:
        ``torch.compile``, ``torch.export`` and ONNX get PyTorch's operator, which is one node of a
        graph for any size; on the CPU it holds the matrix.
    """
    if is_traced() or (value.is_cuda and _widths_fit(query, value)):
        query, key, value = (x.transpose(1, 2)[:, None].contiguous() for x in (query, key, value))
        output = F.scaled_dot_product_attention(query, key, value, scale=1.0)
        return output[:, 0].transpose(1, 2)
    return _RowwiseAttention.apply(query, key, value)


def _widths_fit(query: Tensor, value: Tensor) -> bool:
    return query.shape[1] % FUSED_WIDTH == 0 and value.shape[1] % FUSED_WIDTH == 0


def _attention_rows(query: Tensor, key: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Blocks of rows of ``softmax(query.T @ key)``, (R, N) in float32 at least.

    A block is overwritten by the next one.
    """
    dtype = torch.promote_types(query.dtype, torch.float32)
    query, key = query.to(dtype), key.to(dtype)
    count = query.shape[1]
    scores = query.new_empty(min(ROWS, count), count)
    attention = torch.empty_like(scores)
    for start in range(0, count, ROWS):
        rows = slice(start, min(start + ROWS, count))
        size = rows.stop - start
        torch.mm(query[:, rows].T, key, out=scores[:size])
        yield rows, torch.softmax(scores[:size], dim=-1, out=attention[:size])


class _RowwiseAttention(torch.autograd.Function):
    """Keeps inputs and output; the rows are computed once more for the gradients."""

    @staticmethod
    def forward(ctx, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        output = torch.empty_like(value)
        with torch.autocast(value.device.type, enabled=False):
            for q, k, v, out in zip(query, key, value, output, strict=True):
                for rows, attention in _attention_rows(q, k):
                    torch.mm(v, attention.T.to(v.dtype), out=out[:, rows])
        ctx.save_for_backward(query, key, value, output)
        return output

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_output: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        *inputs, output = ctx.saved_tensors
        grads = [torch.zeros_like(x.mT, memory_format=torch.contiguous_format) for x in inputs]
        with torch.autocast(output.device.type, enabled=False):
            for image in zip(*inputs, output, grad_output, *grads, strict=True):
                _add_gradients(*image)
        return tuple(grad.mT for grad in grads)


def _add_gradients(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    output: Tensor,
    grad_output: Tensor,
    grad_query: Tensor,
    grad_key: Tensor,
    grad_value: Tensor,
) -> None:
    """Fill the gradients of one image: (N, D), (N, D) and (N, C), which start at 0.

    Transposed, for the matrix products are faster so.
    """
    for rows, attention in _attention_rows(query, key):
        grad = grad_output[:, rows]
        grad_value.addmm_(attention.T.to(grad.dtype), grad.T)
        # Of the softmax: a row's mean gradient is the product of its output and gradient.
        mean = (grad * output[:, rows]).sum(0, dtype=attention.dtype)
        grad_scores = torch.mm(grad.T, value).to(attention.dtype)
        grad_scores = grad_scores.sub_(mean[:, None]).mul_(attention).to(query.dtype)
        torch.mm(grad_scores, key.T, out=grad_query[rows])
        grad_key.addmm_(grad_scores.T, query[:, rows].T)
