"""What every wing's models are tested for on a pretended CUDA device and in half precision."""

import torch
from helpers.mixed_precision import each_precision, largest_difference
from helpers.pretended_cuda import pretended_cuda, same_on_cuda
from torch import nn

LOSSES_AND_LOGITS = {torch.float16: 0.01, torch.bfloat16: 0.05}


class DeviceTests:
    """The numbers of the CPU; to be subclassed.

    Attributes:
        kinds: Models by name.
        batches: Options of ``batch`` by name, for the losses.
        predictions: Options of ``predict`` by name.
        waits: How often a step of training, without the host's parts, waits for the device; by
            kind, none if it is not named.
        close: Tolerances of losses.
        close_predictions: Tolerances of predictions, if they are others.
        near: Largest difference in half precision, by dtype; see ``in_precision``.
    """

    kinds: dict = {}
    batches: dict = {'batch': {}}
    predictions: dict = {'predicted': {}}
    waits: dict = {}
    close: dict = {}
    close_predictions: dict | None = None
    near: dict = LOSSES_AND_LOGITS

    def model(self, kind: str, device: str) -> nn.Module:
        """With the same weights at every call."""
        raise NotImplementedError

    def batch(self, **options) -> dict:
        """As a data loader gives it."""
        raise NotImplementedError

    def predict(self, kind: str, device: str, **options) -> list:
        """Tensors of logits and of predictions."""
        raise NotImplementedError

    def losses(self, kind: str, device: str, **options) -> dict:
        model = self.model(kind, device).train()
        return model(**model.data_preprocessor(self.batch(**options), training=True), mode='loss')

    def in_precision(self, kind: str, device: str) -> list:
        """What is compared in half precision: losses and logits."""
        model = self.model(kind, device).train()
        data = model.data_preprocessor(self.batch(), training=True)
        losses = model(**data, mode='loss')
        with torch.no_grad():
            return [losses, model.eval()(**data, mode='tensor')]

    def pytest_generate_tests(self, metafunc) -> None:
        for argument in ('kind', 'batch', 'prediction'):
            if argument in metafunc.fixturenames:
                rows = dict(kind={name: name for name in self.kinds}, batch=self.batches)
                rows = (rows | dict(prediction=self.predictions))[argument]
                metafunc.parametrize(argument, rows.values(), ids=list(rows))

    def test_losses(self, kind, batch) -> None:
        same_on_cuda(lambda device: self.losses(kind, device, **batch), **self.close)

    @torch.no_grad()
    def test_predictions_and_logits(self, kind, prediction) -> None:
        close = self.close if self.close_predictions is None else self.close_predictions
        same_on_cuda(lambda device: self.predict(kind, device, **prediction), **close)

    def test_waits_of_a_training_step(self, kind) -> None:
        """The host's own, of proposals and samplers, are many."""
        with pretended_cuda() as cuda:
            model = self.model(kind, 'cuda').train()
            data = model.data_preprocessor(self.batch(), training=True)
            cuda.waits.clear()
            model(**data, mode='loss')
        print(cuda.waits)
        ours = sum(count for line, count in cuda.waits.items() if line.startswith('mmfewshot_seg'))
        assert ours <= self.waits.get(kind, 0)

    @each_precision
    def test_mixed_precision(self, kind, device, dtype) -> None:
        found = largest_difference(lambda device: self.in_precision(kind, device), device, dtype)
        print(found)
        assert found < self.near[dtype]
