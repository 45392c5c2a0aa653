"""Any network of timm as a backbone of MMSegmentation or MMDetection."""

import logging
from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmfewshot_seg.checkpoints.weight_sources import (
    CheckpointError,
    import_timm,
    read_weights,
)
from mmfewshot_seg.registry import MODELS, register


@register(MODELS, host='mmseg', guest_of='mmdet')
class TimmEncoder(BaseModule):
    """Feature maps of a network of timm, convolutional or a vision transformer.

    Vision transformers take images of any size: an image whose sides are no multiples of the
    patch is enlarged to the next ones, so that the positions cover it exactly.

    Args:
        model_name: Name in timm, e.g. ``'tf_efficientnet_lite0'``.
        out_indices: Levels that are returned, counted as timm does: 0 is the first (for most
            convolutional networks at stride 2 or 4); blocks of a vision transformer. None: all of
            a convolutional network, the last three blocks of a transformer.
        output_stride: 8 or 16: the levels after that stride are dilated instead. Only networks
            that know it.
        frozen_stages: This level and all before it are not trained; -1 freezes nothing.
        norm_eval: Whether batch norms use their stored statistics in training too.
        drop_path_rate: Stochastic depth, in training.
        init_cfg: ``dict(type='Pretrained', checkpoint=...)`` with ``'packaged://efficientnet-lite0'``,
            a local file of timm's (a classifier in it is left out), ``'timm://NAME'`` (downloads),
            or a checkpoint of ours with ``prefix='backbone.'``. None: random weights.
        **kwargs: Further arguments of ``timm.create_model``, as far as the network knows them.

    Attributes:
        out_channels: Channels of each level.

    Raises:
        ImportError: If timm is not installed.
        ValueError: If timm knows no such network, or the network no such argument or level.

    Source: timm (Wightman, 2019), https://github.com/huggingface/pytorch-image-models.
    """

    def __init__(
        self,
        model_name: str,
        out_indices: Sequence[int] | None = None,
        output_stride: int | None = None,
        frozen_stages: int = -1,
        norm_eval: bool = False,
        drop_path_rate: float | None = None,
        init_cfg: dict | None = None,
        **kwargs,
    ) -> None:
        super().__init__(init_cfg)
        if isinstance(init_cfg, list):
            raise ValueError(f'TimmEncoder takes one init_cfg, a dict, not {init_cfg}')
        for name in ('pretrained', 'checkpoint_path', 'features_only'):
            if kwargs.pop(name, None):
                raise ValueError(
                    f'TimmEncoder has no {name}: name weights by init_cfg=dict(type='
                    "'Pretrained', checkpoint='packaged://efficientnet-lite0'), a file or timm://NAME"
                )
        self.model_name = model_name
        self.arguments = dict(kwargs, output_stride=output_stride, drop_path_rate=drop_path_rate)
        if out_indices is not None:
            self.arguments['out_indices'] = tuple(out_indices)
        self.net = self._create()
        # Depthwise convolutions train a quarter faster on a CPU with the channels last.
        self.net.to(memory_format=torch.channels_last)
        _pad_beforehand(self.net)
        info = self.net.feature_info
        self._levels = sorted(index % len(info.info) for index in info.out_indices)
        self.out_channels = tuple(info.info[index]['num_chs'] for index in self._levels)
        self.frozen_stages = frozen_stages
        self.norm_eval = norm_eval
        levels = len(info.info)
        if not -1 <= frozen_stages < levels:
            raise ValueError(
                f'frozen_stages={frozen_stages}: {model_name} has the levels 0 to {levels - 1}, '
                'and -1 freezes none'
            )
        for module in self._ordered_modules(
            after=self._levels[-1]
        ):  # timm does not always cut it off
            module.requires_grad_(False)
        self._freeze()  # the optimizer and distributed training look before any training

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Compute features.

        Args:
            images: (B, 3, H, W), normalised as the weights want it.

        Returns:
            Levels (B, C, h, w), the shallowest first.
        """
        images = images.contiguous(memory_format=torch.channels_last)
        patch = self._patch_size()
        if patch is not None:
            size = [-(-side // p) * p for side, p in zip(images.shape[-2:], patch, strict=True)]
            if size != list(images.shape[-2:]):
                images = F.interpolate(images, size, mode='bilinear', align_corners=False)
        levels = self.net(images)
        if getattr(self.net, 'output_fmt', 'NCHW') == 'NHWC':
            levels = [level.permute(0, 3, 1, 2) for level in levels]
        # MMCV's RoIAlign reads every map as if its channels came first in memory, and does not ask.
        return tuple(level.contiguous() for level in levels)

    def init_weights(self) -> None:
        """Load the weights that ``init_cfg`` names; every weight must be among them.

        Raises:
            CheckpointError: If the weights cannot be had or do not fit.
        """
        if self.init_cfg is None or self.is_init:  # timm has initialised the network
            return
        if self.init_cfg.get('type') != 'Pretrained':
            super().init_weights()
            return
        self.net.load_state_dict(self._pretrained())
        self._is_init = True

    def train(self, mode: bool = True) -> 'TimmEncoder':
        """As of any module; what is frozen stays as it is."""
        super().train(mode)
        if mode:
            self._freeze()
        return self

    def _create(self, **kwargs) -> nn.Module:
        """The network; transformers of timm's usual kind made ready for images of any size."""
        timm = import_timm()
        arguments = {k: v for k, v in {**self.arguments, **kwargs}.items() if v is not None}
        try:
            try:
                return timm.create_model(
                    self.model_name, features_only=True, dynamic_img_size=True, **arguments
                )
            except TypeError:  # not of this kind
                return timm.create_model(self.model_name, features_only=True, **arguments)
        except (TypeError, RuntimeError, AssertionError, NotImplementedError, IndexError) as error:
            if 'pretrained' in arguments:
                raise
            raise ValueError(
                f'timm {timm.__version__} cannot build {self.model_name!r} with '
                f'{self.arguments}: {error or type(error).__name__}'
            ) from error

    def _patch_size(self) -> tuple[int, int] | None:
        """Size of a patch, of a transformer with patches of one size."""
        size = getattr(getattr(self._root, 'patch_embed', None), 'patch_size', None)
        return (size, size) if isinstance(size, int) else size

    @property
    def _root(self) -> nn.Module:
        """The module that timm's names begin at: it wraps transformers."""
        return getattr(self.net, 'model', self.net)

    def _freeze(self) -> None:
        """Fix the first levels, and batch norms if asked for."""
        if self.frozen_stages >= 0:
            for module in self._ordered_modules(upto=self.frozen_stages):
                module.training = False  # of this module alone: containers hold later levels too
                for parameter in module.parameters(recurse=False):
                    parameter.requires_grad = False
        if self.norm_eval:
            for module in self.net.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    module.eval()

    def _ordered_modules(
        self, upto: int | None = None, after: int | None = None
    ) -> list[nn.Module]:
        """Modules up to the one that gives a level, or those after it, in the network's order."""
        names, modules = zip(*self._root.named_modules(), strict=True)
        level = self.net.feature_info.info[after if upto is None else upto]['module']
        if level not in names:  # timm flattens sequences of some networks
            level = level.replace('.', '_')
        inside = [i for i, name in enumerate(names) if f'{name}.'.startswith(f'{level}.')]
        last = max(inside, default=len(names) - 1)  # timm has cut the level off
        if upto is None:
            return list(modules[last + 1 :])
        # The root itself may own parameters: tokens and embeddings of positions.
        return [*modules[1 : last + 1], *([self._root] if self._root is not self.net else [])]

    def _pretrained(self) -> Mapping[str, Tensor]:
        """State dict of the network with the weights that ``init_cfg`` names."""
        source, own = self.init_cfg['checkpoint'], self.net.state_dict()
        weights = read_weights(source, self.init_cfg.get('prefix') or '')
        ours = {key.removeprefix('net.'): value for key, value in weights.items()}
        if own.keys() == ours.keys():  # a checkpoint of this class
            unfit = [key for key, value in own.items() if ours[key].shape != value.shape]
            self._refuse(unfit, 'not there or of another shape', weights)
            return ours
        self._refuse(self._left_over(weights), 'not those of this network', weights)
        if all(key in weights and weights[key].shape == own[key].shape for key in own):
            return {key: weights[key] for key in own}  # nothing for timm to convert
        # timm says nowhere what it did not find: what does not change with the file is not from it.
        changed = {k: v + 1 if v.is_floating_point() else v for k, v in weights.items()}
        first, second = self._loaded(weights), self._loaded(changed)
        unfit = [k for k, v in first.items() if v.is_floating_point() and v.equal(second[k])]
        self._refuse(unfit, 'not there or of another shape', weights)
        return first

    def _left_over(self, weights: Mapping[str, Tensor]) -> list[str]:
        """Weights that the network with its classifier does not have, of a file in timm's names."""
        arguments = {
            k: v for k, v in self.arguments.items() if v is not None and k != 'out_indices'
        }
        with torch.device('meta'):
            whole = import_timm().create_model(self.model_name, **arguments).state_dict()
        in_names_of_timm = sum(key in weights for key in whole) > len(whole) // 2
        known = {*whole, 'mask_token'}  # of DINOv2's files; timm drops it
        return [key for key in weights if key not in known] if in_names_of_timm else []

    def _loaded(self, weights: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Weights as timm loads them into a new network: it knows foreign formats."""
        logger = logging.getLogger('timm.models._builder')
        level = logger.level
        logger.setLevel(logging.ERROR)  # it warns of every weight behind the last level
        try:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                overlay = dict(state_dict=dict(weights))
                net = self._create(pretrained=True, pretrained_cfg_overlay=overlay)
        except (RuntimeError, KeyError) as error:
            lines = str(error).splitlines()
            raise CheckpointError(
                f'{self.init_cfg["checkpoint"]} does not fit {self.model_name}: '
                f'{lines[1 if lines[1:] else 0].strip()}'
            ) from error
        finally:
            logger.setLevel(level)
        return net.state_dict()

    def _refuse(self, unfit: Sequence[str], fault: str, weights: Mapping[str, Tensor]) -> None:
        if unfit:
            raise CheckpointError(
                f'{self.init_cfg["checkpoint"]} does not fit {self.model_name}: {len(unfit)} '
                f'weights are {fault}, as {unfit[0]}. The network has {len(self.net.state_dict())} '
                f'weights; the file begins with {", ".join(list(weights)[:3])}'
            )


def _pad_beforehand(net: nn.Module) -> None:
    """Have inputs of depthwise convolutions with wide paddings padded by an operator of its own.

    It changes no result. On a CPU the convolution itself is a fifth of the time: the quick kernels
    of oneDNN know no padding of more than 6 pixels, which dilated convolutions have.
    """
    for module in net.modules():
        if isinstance(module, nn.Conv2d) and isinstance(module.padding, tuple):
            down, across = module.padding
            if module.groups > 1 and max(down, across) > 6 and module.padding_mode == 'zeros':
                module.padding = (0, 0)
                module.register_forward_pre_hook(_Pad((across, across, down, down)))


class _Pad:
    """Hook before a module that pads its input; can be copied and pickled."""

    def __init__(self, widths: tuple[int, int, int, int]) -> None:
        self.widths = widths

    def __call__(self, module: nn.Module, inputs: tuple[Tensor]) -> Tensor:
        return F.pad(inputs[0], self.widths)
