"""A few-shot network and the support set of a user: fitted, grown, checked, saved."""

import logging
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from mmengine.config import ConfigDict
from mmengine.logging import print_log
from mmengine.utils import track_iter_progress
from mmseg.structures import SegDataSample
from torch import Tensor, nn
from typing_extensions import Self, Unpack

from mmfewshot_seg.annotations.annotated_image import alike_names
from mmfewshot_seg.annotations.annotation_label import Annotation
from mmfewshot_seg.apis.fingerprint import fingerprint, weights_fingerprint
from mmfewshot_seg.apis.fitted_supports import FittedSupports
from mmfewshot_seg.apis.image_pipeline import pipelines_of_test
from mmfewshot_seg.apis.leave_one_out import LeftOut, leave_one_out
from mmfewshot_seg.apis.mask_fit import mask_fit
from mmfewshot_seg.apis.package_inferencer import ModelSource, PackageInferencer
from mmfewshot_seg.apis.presence import MinScore, check_min_score, presence_thresholds
from mmfewshot_seg.apis.pretrained import load_pretrained
from mmfewshot_seg.apis.query_segmentation import QuerySegmentation
from mmfewshot_seg.apis.support_check import SupportCheck, judge_supports
from mmfewshot_seg.apis.support_fitting import Reading, fit_supports, list_supports
from mmfewshot_seg.apis.support_set import Image
from mmfewshot_seg.files.tensor_file import first_line
from mmfewshot_seg.models.fewshot import FewShotSegmentor
from mmfewshot_seg.models.fewshot.edge_refinement import check_method
from mmfewshot_seg.models.fewshot.level_fusion import fuse_levels
from mmfewshot_seg.structures import SupportState


class SupportSetInferencer(PackageInferencer):
    """Base of :class:`FewShotInferencer`: everything but the segmenting of queries."""

    def __init__(
        self,
        model: ModelSource = None,
        weights: str | Path | None = None,
        device: str | None = None,
        scope: str = 'mmseg',
        show_progress: bool = True,
        refine: str | None = 'config',
        trust_checkpoint: bool = False,
    ) -> None:
        super().__init__(model, weights, device, scope, show_progress, trust_checkpoint)
        self.refine = (self.model.test_cfg or {}).get('refine') if refine == 'config' else refine
        check_method(self.refine)
        self.supports = FittedSupports()
        self.state: SupportState | None = None
        self._left_out: list[LeftOut] | None = None

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of labels 1..N.

        Raises:
            ValueError: If there is no support set yet.
        """
        return self._fitted().class_names

    def set_support(
        self,
        images: Image | Sequence,
        masks: Annotation | Sequence | None = None,
        class_names: str | Sequence[str] | None = None,
        **reading: Unpack[Reading],
    ) -> Self:
        """Fit a support set, instead of the one before; :meth:`add_support` adds to it.

        Args:
            images: Paths, (H, W, 3) uint8 BGR arrays or PIL images; or, for each class, a list of
                them; or, without masks, the path of a file or folder of annotations in any of the
                formats of :func:`read_annotations`.
            masks: A mask for each image: an array, a file, a PIL image, or a dict of polygons,
                boxes, scribbles or points, see :func:`annotation_label`.
            class_names: A name for each image, repeated where images show the same class; for each
                class if ``images`` are lists; or one name for all; of annotations the classes that
                count, all by default.
            **reading: ``negatives`` and how masks are read, see :class:`Reading`.

        Returns:
            This inferencer.

        Raises:
            ValueError: If images, masks and names do not fit, or an image or mask is unusable.
            FileNotFoundError: If there is no such file or folder.
        """
        self._use(self.fit_singly(images, masks, class_names, **reading))
        return self

    def add_support(
        self,
        images: Image | Sequence = (),
        masks: Annotation | Sequence | None = None,
        class_names: str | Sequence[str] | None = None,
        **reading: Unpack[Reading],
    ) -> Self:
        """Add supports of old or new classes, or negatives, to those there are.

        Nothing is computed anew. Arguments, returns and raises: see :meth:`set_support`.
        """
        self._use(self.supports.merged(self.fit_singly(images, masks, class_names, **reading)))
        return self

    def fit_support(
        self,
        images: Image | Sequence,
        masks: Annotation | Sequence | None = None,
        class_names: str | Sequence[str] | None = None,
        **reading: Unpack[Reading],
    ) -> SupportState:
        """Fit a support set and leave this inferencer's own alone.

        Arguments and raises: see :meth:`set_support`.

        Returns:
            What :meth:`__call__` takes as ``support``. Threads may share the inferencer this way.
        """
        return self.joined(self.fit_singly(images, masks, class_names, **reading))

    def fit_singly(
        self,
        images: Image | Sequence,
        masks: Annotation | Sequence | None = None,
        class_names: str | Sequence[str] | None = None,
        **reading: Unpack[Reading],
    ) -> FittedSupports:
        """As :meth:`fit_support`, but the supports stay single, for :meth:`check_support`."""
        singles = list_supports(images, masks, class_names, **reading)
        return fit_supports(self.model, self.support_pipeline, singles, self._tracked)

    def _use(self, supports: FittedSupports) -> None:
        self.state = self.joined(supports)
        self.supports, self._left_out = supports, None
        for note in alike_names(supports.shots):
            print_log(f'support set: {note}', 'current', logging.WARNING)

    def joined(self, supports: FittedSupports) -> SupportState:
        """What :meth:`fit_support` gives for supports that were fitted singly.

        Raises:
            ValueError: If there is no class, or there are more than 254.
        """
        if not supports.shots:
            raise ValueError('a support set needs a class: negatives alone name none')
        if len(supports.shots) > 254:
            raise ValueError(f'a support set has 1 to 254 classes, not {len(supports.shots)}')
        state = supports.joined(self.model.decode_head)
        state.set_metainfo(dict(fitted_by=self._model_fingerprint))
        return state

    def check_support(self, supports: FittedSupports | None = None) -> list[SupportCheck]:
        """Whether each support fits the others: each is segmented by all of them but itself.

        Args:
            supports: What :meth:`fit_singly` gave. None: the inferencer's own.

        Returns:
            One for each support of a class, class by class.

        Raises:
            ValueError: If there is no support set, or it was loaded from a file, which holds no
                images.
        """
        if supports is None:
            self._fitted()
        left_out = self.leave_one_out(supports)
        return judge_supports(left_out, self.mask_fits(left_out))

    def leave_one_out(self, supports: FittedSupports | None = None) -> list[LeftOut]:
        """What all other supports find in each; arguments and raises as :meth:`check_support`.

        Of the inferencer's own it is computed once.
        """
        if supports is None and self._left_out is not None:
            return self._left_out
        which = self.supports if supports is None else supports
        number = sum(1 for _ in which.singles())
        segmentation = QuerySegmentation(self.model, self.pipeline, self.refine)

        def segment(seen: Tensor, others: FittedSupports) -> SegDataSample:
            return segmentation.segment_view(seen, self.joined(others))

        left_out = list(self._tracked(leave_one_out(which, segment), number))
        if supports is None:
            self._left_out = left_out
        return left_out

    @torch.no_grad()
    def mask_fits(self, supports: Iterable[LeftOut]) -> list[float]:
        """How well the mask of each support fits its image, see :func:`mask_fit`."""
        fits = []
        for one in supports:
            inputs = dict(inputs=dict(query=[one.seen[None]]))
            inputs = self.model.data_preprocessor(inputs)['inputs']
            features = self.model.extract_feat(inputs['query'][0])
            fused = fuse_levels(features, range(len(features)))[0]
            fits.append(mask_fit(one.image, one.label.numpy(), fused))
        return fits

    def save_support(self, path: str | Path) -> None:
        """Write the fitted support set, for :meth:`load_support` with the same model.

        Raises:
            ValueError: If there is none.
            OSError: If the folder does not exist or the file cannot be written.
        """
        self._fitted()
        self.supports.save(path, fingerprints=self._fingerprints())

    def load_support(self, path: str | Path) -> Self:
        """Read what :meth:`save_support` wrote, instead of the support set before.

        Returns:
            This inferencer.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If the file is of another kind, damaged or not finite, or was written with
                another model.
        """
        supports, meta = FittedSupports.load(path)
        own, theirs = self._fingerprints(), meta['fingerprints']
        unlike = [name for name in own if theirs.get(name) != own[name]]
        if unlike:
            raise ValueError(
                f'{path} was fitted by another model: its {" and ".join(unlike)} differ. Load it '
                'into the model that saved it, or call set_support with the images again'
            )
        try:
            self._use(supports.to(self._device))
        except (AttributeError, KeyError, IndexError, TypeError, RuntimeError) as error:
            raise ValueError(f'{path} is damaged ({first_line(error)})') from error
        return self

    def presence_thresholds(self, support: SupportState | None = None) -> list[float]:
        """What ``min_score='auto'`` stands for, see :func:`presence_thresholds`.

        Args:
            support: What :meth:`fit_support` gave, of which no single supports are known: what is
                usual for the network counts alone. None: the inferencer's own; so it is with one
                that was loaded from a file.

        Returns:
            A number for each class.

        Raises:
            ValueError: If there are neither examples nor usual scores.
        """
        left_out: list[LeftOut] = []
        if support is None:
            support = self._fitted()
            if all('seen' in state for _, _, state in self.supports.singles()):
                left_out = self.leave_one_out()
        return presence_thresholds(self.model.decode_head, support.class_names, left_out)

    def _with_min_score(self, support: SupportState | None, min_score: MinScore) -> SupportState:
        """The support set, the inferencer's own if None; it carries the thresholds."""
        state = self._fitted() if support is None else self._checked(support)
        check_min_score(min_score, len(state.class_names))
        if min_score is None:
            return state
        values = self.presence_thresholds(support) if isinstance(min_score, str) else min_score
        state = state.new()
        state.set_metainfo(dict(min_score=np.asarray(values, float).reshape(-1).tolist()))
        return state

    def _fitted(self) -> SupportState:
        if self.state is None:
            raise ValueError('there is no support set yet: call set_support or load_support first')
        return self.state

    def _checked(self, support: SupportState) -> SupportState:
        """A support set of :meth:`fit_support`, if this model has fitted it."""
        if not isinstance(support, SupportState):
            raise TypeError(
                f'support is what fit_support gave, not {type(support).__name__}; a file is read '
                'by load_support'
            )
        if support.get('fitted_by', self._model_fingerprint) != self._model_fingerprint:
            raise ValueError(
                'support was fitted by another model: its config or weights differ. Call '
                'fit_support of this one'
            )
        return support

    @cached_property
    def _model_fingerprint(self) -> str:
        return fingerprint(self._fingerprints())

    @property
    def _device(self) -> torch.device:
        return next(self.model.parameters()).device

    def _tracked(self, items: Iterable, number: int) -> Iterable:
        """With a progress bar, if wanted; 0 for a number that is not known."""
        return track_iter_progress((items, number)) if self.show_progress else items

    def _fingerprints(self) -> dict[str, str]:
        return dict(
            config=fingerprint([self.cfg.model, self.support_pipeline.config]),
            weights=weights_fingerprint(self.model),
        )

    def _init_pipeline(self, cfg: ConfigDict):
        self.support_pipeline, query_pipeline = pipelines_of_test(cfg)
        return query_pipeline

    def _load_weights_to_model(
        self, model: nn.Module, checkpoint: dict | None, cfg: ConfigDict | None
    ) -> None:
        if not isinstance(model, FewShotSegmentor):
            raise ValueError(
                'FewShotInferencer needs a model of type mmfewshot_seg.FewShotSegmentor, the '
                f'config has {type(model).__name__}'
            )
        if checkpoint is None:
            load_pretrained(model)
        else:
            super()._load_weights_to_model(model, checkpoint, cfg)
