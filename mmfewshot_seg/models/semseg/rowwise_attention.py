"""Attention of positions to positions in memory that grows linearly with their number.

Shape letters: ``B`` images, ``D`` channels of queries and keys, ``C`` channels of values, ``M``
positions that ask, ``N`` positions that are asked, ``R`` rows of the attention matrix at a time.
"""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from mmfewshot_seg.compat import counts_operations, is_traced

ROWS = 256  # more are no faster, fewer make the matrix products slower
FUSED_WIDTH = 8  # the widths that CUDA's memory-efficient kernel takes are multiples of it


def position_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """``value @ softmax(query.T @ key).T`` of each image, never holding the (M, N) matrix.

    Queries may be those of the same positions as keys and values, or of others.

    On CUDA PyTorch's fused kernel computes it, where the widths allow. Its counterpart on the CPU
    refuses values of another width than the queries, and would then hold the matrix after all;
    there, blocks of rows are computed one after the other, and again for the gradients.

    Args:
        query: (B, D, M), of any float dtype; half precision is summed up in float32.
        key: (B, D, N).
        value: (B, C, N).

    Returns:
        (B, C, M), of the dtype of ``value``.

    Raises:
        ValueError: If the shapes do not fit together.

    Note:
        ``torch.compile``, ``torch.export`` and ONNX get PyTorch's operator, which is one node of a
        graph for any size; on the CPU it holds the matrix. MMEngine does not count that operator;
        where it counts, it gets the two matrix products.
    """
    if not is_traced():  # a graph would hold the comparisons; there PyTorch's operator checks
        _check_shapes(query, key, value)
    elif counts_operations():
        return value @ torch.softmax(query.mT @ key, dim=-1).mT
    if is_traced() or (value.is_cuda and _widths_fit(query, value)):
        query, key, value = (x.transpose(1, 2)[:, None].contiguous() for x in (query, key, value))
        output = F.scaled_dot_product_attention(query, key, value, scale=1.0)
        return output[:, 0].transpose(1, 2)
    return _RowwiseAttention.apply(query, key, value)


def _check_shapes(query: Tensor, key: Tensor, value: Tensor) -> None:
    shapes = [tuple(x.shape) for x in (query, key, value)]
    fit = all(len(shape) == 3 for shape in shapes)
    if not fit or not (
        query.shape[0] == key.shape[0] == value.shape[0]
        and query.shape[1] == key.shape[1]
        and key.shape[2] == value.shape[2]
    ):
        raise ValueError(
            f'query {shapes[0]}, key {shapes[1]} and value {shapes[2]}: expected (B, D, M), '
            '(B, D, N) and (B, C, N), as many channels of queries as of keys and as many keys as '
            'values'
        )


def _widths_fit(query: Tensor, value: Tensor) -> bool:
    return query.shape[1] % FUSED_WIDTH == 0 and value.shape[1] % FUSED_WIDTH == 0


def _attention_rows(query: Tensor, key: Tensor) -> Iterator[tuple[slice, Tensor]]:
    """Blocks of rows of ``softmax(query.T @ key)`` of (D, M) and (D, N): (R, N), float32 at least.

    A block is overwritten by the next one.
    """
    dtype = torch.promote_types(query.dtype, torch.float32)
    query, key = query.to(dtype), key.to(dtype)
    count = query.shape[1]
    scores = query.new_empty(min(ROWS, count), key.shape[1])
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
        output = value.new_empty(*value.shape[:2], query.shape[2])
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
    """Fill the gradients of one image: (M, D), (N, D) and (N, C), which start at 0.

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
