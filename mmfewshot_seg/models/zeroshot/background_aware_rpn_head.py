"""Region proposals that learn what the background is.

Shape letters: ``B`` images, ``A`` anchors per place, ``H W`` size of a level, ``D`` length of a
word vector.
"""

import torch
import torch.nn.functional as F
from mmdet.models.dense_heads import RPNHead
from torch import Tensor, nn

from mmfewshot_seg.registry import MODELS, register


@register(MODELS, host='mmdet')
class BackgroundAwareRPNHead(RPNHead):
    """RPN that compares words: each anchor has a vector of objects and one of the background.

    The mean of the background vectors is *the* background of the whole detector; other heads read
    it by :meth:`background_vector`.

    Args:
        word_dim: D.
        background_grad: Whether losses of the heads that read the background train it, as the paper
            says, or those of the RPN alone, as the published models were trained.
        in_channels: Channels of the levels.
        loss_cls: Softmax over object and background.
        init_cfg: Initialisation; by default the published one.
        kwargs: See mmdet's ``RPNHead``.

    Raises:
        ValueError: If ``loss_cls`` is a sigmoid: object and background each have a score.

    Source: Zero-Shot Instance Segmentation (Zheng et al., CVPR 2021), section 3.3.
    """

    def __init__(
        self,
        in_channels: int,
        word_dim: int,
        background_grad: bool = False,
        loss_cls: dict = dict(type='mmdet.CrossEntropyLoss', use_sigmoid=False),  # noqa: B006
        init_cfg: dict | list | None = None,
        **kwargs,
    ) -> None:
        if loss_cls.get('use_sigmoid', False):
            raise ValueError(
                f'{type(self).__name__}: loss_cls with use_sigmoid=True, expected False: objects '
                'and background are told apart by a softmax'
            )
        if init_cfg is None:
            words = dict(type='Normal', name='vec_fb', std=1)
            init_cfg = dict(type='Normal', layer='Conv2d', std=0.01, override=words)
        self.word_dim = word_dim
        self.background_grad = background_grad
        super().__init__(in_channels, loss_cls=loss_cls, init_cfg=init_cfg, **kwargs)
        self.register_buffer('word_background', None, persistent=False)

    def _init_layers(self) -> None:
        super()._init_layers()
        del self.rpn_cls
        self.rpn_cls_conv_T = nn.Conv2d(self.feat_channels, self.word_dim, 1)
        # Rows in pairs, (object, background) for each anchor.
        self.vec_fb = nn.Conv2d(self.word_dim, 2 * self.num_base_priors, 1, bias=False)

    def set_background(self, vector: Tensor) -> None:
        """Word vector, (D,), which the background begins with in :meth:`init_weights`."""
        self.word_background = torch.as_tensor(vector).to(self.vec_fb.weight)

    def init_weights(self) -> None:
        """Initialise; every anchor's background is the word vector, if there is one."""
        is_first = not self.is_init
        super().init_weights()
        if is_first and self.word_background is not None:
            with torch.no_grad():
                self.vec_fb.weight[1::2, :, 0, 0] = self.word_background

    def background_vector(self) -> Tensor:
        """(D,), detached unless ``background_grad``."""
        vector = self.vec_fb.weight[1::2].mean(0).flatten()
        return vector if self.background_grad else vector.detach()

    def forward_single(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Scores and box deltas of one level.

        Args:
            x: (B, in_channels, H, W).

        Returns:
            (B, 2A, H, W) logits, object before background of each anchor, and (B, 4A, H, W) deltas;
            float32 also under mixed precision, as losses and NMS need them.
        """
        hidden = F.relu(self.rpn_conv(x))
        return self.vec_fb(self.rpn_cls_conv_T(hidden)).float(), self.rpn_reg(hidden).float()
