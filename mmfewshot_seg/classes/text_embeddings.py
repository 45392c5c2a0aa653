"""Word vectors of class names from a text-embedding model that the user has installed.

None of the libraries is needed by anything else here.
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from types import ModuleType

import numpy as np

from mmfewshot_seg.classes.word_vectors import WordVectors
from mmfewshot_seg.classes.zeroshot_splits import distinct_names

Encode = Callable[[list[str]], np.ndarray]


def embed_names(
    names: Sequence[str], library: str, model: str, templates: Sequence[str] = ('{}',)
) -> WordVectors:
    """A vector per class name.

    Args:
        names: Class names; ``_`` is read as a space.
        library: Key of `LIBRARIES`.
        model: Name or path of the model, as the library wants it; for open_clip
            ``ARCHITECTURE:PRETRAINED``.
        templates: Sentences with ``{}`` in the place of the name. The vector of a class is the mean
            over them of vectors of length 1, brought to length 1 again.

    Returns:
        Vectors of length 1, in the order of ``names``.

    Raises:
        ImportError: If the library is not installed, with the line that installs it.
        ValueError: If the library is unknown, there is no name, a class is named twice, or a
            template has no ``{}``; told before the model is loaded.
    """
    if library not in LIBRARIES:
        raise ValueError(f'library {library!r}: known are {", ".join(LIBRARIES)}')
    names = distinct_names(names, 'the')
    if not names:
        raise ValueError('there are no class names')
    if wrong := [template for template in templates if '{}' not in template]:
        raise ValueError(f'template {wrong[0]!r} has no {{}} where the class name goes')
    encode = LIBRARIES[library](model)
    mean = np.zeros(())
    for template in templates:
        vectors = encode([template.replace('{}', name.replace('_', ' ')) for name in names])
        mean = mean + _normalize(np.asarray(vectors, np.float64))
    return WordVectors(names, _normalize(mean))


def _normalize(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _import(module: str, package: str) -> ModuleType:
    try:
        return import_module(module)
    except ImportError as error:
        raise ImportError(
            f'{module} cannot be imported ({error}): pip install {package}'
        ) from error


def _sentence_transformers(model: str) -> Encode:
    library = _import('sentence_transformers', 'sentence-transformers')
    return library.SentenceTransformer(model).encode


def _open_clip(model: str) -> Encode:
    library = _import('open_clip', 'open_clip_torch')
    architecture, _, pretrained = model.partition(':')
    if not pretrained:
        raise ValueError(
            f'model {model!r}: open_clip expects ARCHITECTURE:PRETRAINED, e.g. ViT-B-32:openai'
        )
    network = library.create_model(architecture, pretrained=pretrained).eval()
    tokenize = library.get_tokenizer(architecture)
    torch = import_module('torch')

    def encode(sentences: list[str]) -> np.ndarray:
        with torch.no_grad():
            return network.encode_text(tokenize(sentences)).float().numpy()

    return encode


def _transformers(model: str) -> Encode:
    """Projected text features of CLIP and its like, else the mean over the tokens."""
    library = _import('transformers', 'transformers')
    tokenize = library.AutoTokenizer.from_pretrained(model)
    network = library.AutoModel.from_pretrained(model).eval()
    torch = import_module('torch')

    def encode(sentences: list[str]) -> np.ndarray:
        tokens = tokenize(sentences, padding=True, return_tensors='pt')
        with torch.no_grad():
            if hasattr(network, 'get_text_features'):
                features = network.get_text_features(**tokens)
                return getattr(features, 'pooler_output', features).float().numpy()  # from 5.0 on
            states = network(**tokens).last_hidden_state.float()
        weights = tokens['attention_mask'][..., None]
        return ((states * weights).sum(1) / weights.sum(1)).numpy()

    return encode


LIBRARIES: dict[str, Callable[[str], Encode]] = {
    'sentence-transformers': _sentence_transformers,
    'open_clip': _open_clip,
    'transformers': _transformers,
}
"""What makes an encoder of a model's name."""
