"""Vectors from libraries that stand in for those a user may have installed."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from helpers.tool_calls import call_tool

from mmfewshot_seg.classes.text_embeddings import embed_names

TOOL = Path(__file__).parents[2] / 'tools' / 'make_word_vectors.py'


def _letters(sentences: list[str]) -> np.ndarray:
    """Counts of a, b, ..., z and spaces."""
    alphabet = 'abcdefghijklmnopqrstuvwxyz '
    return np.array([[text.count(letter) for letter in alphabet] for text in sentences], np.float32)


def _unit(vector) -> np.ndarray:
    return np.asarray(vector, float) / np.linalg.norm(vector)


@pytest.fixture
def library(monkeypatch):
    def install(name: str, **content) -> None:
        monkeypatch.setitem(sys.modules, name, SimpleNamespace(**content))

    return install


@pytest.fixture
def sentence_transformers(library):
    asked = []

    class SentenceTransformer:
        def __init__(self, model: str) -> None:
            asked.append(model)

        encode = staticmethod(_letters)

    library('sentence_transformers', SentenceTransformer=SentenceTransformer)
    return asked


def test_sentence_transformers(sentence_transformers) -> None:
    table = embed_names(['cat', 'Hot_dog'], 'sentence-transformers', 'mini')
    assert sentence_transformers == ['mini'] and table.names == ('cat', 'Hot_dog')
    np.testing.assert_allclose(table.vectors[0], _unit(_letters(['cat'])[0]), rtol=1e-6)
    np.testing.assert_allclose(
        table.select(['hot dog'])[0], _unit(_letters(['Hot dog'])[0]), rtol=1e-6
    )


def test_templates_are_averaged_as_directions(sentence_transformers) -> None:
    table = embed_names(['cat'], 'sentence-transformers', 'm', ['a photo of a {}', '{} {}'])
    parts = [_unit(_letters([text])[0]) for text in ('a photo of a cat', 'cat cat')]
    np.testing.assert_allclose(table.vectors[0], _unit(sum(parts)), rtol=1e-6)


def test_open_clip(library) -> None:
    class Network(torch.nn.Module):
        def encode_text(self, tokens):
            assert not self.training
            return tokens.half()

    def create_model(architecture: str, pretrained: str):
        assert (architecture, pretrained) == ('ViT-B-32', 'openai')
        return Network()

    library(
        'open_clip',
        create_model=create_model,
        get_tokenizer=lambda name: lambda texts: torch.from_numpy(_letters(texts)),
    )
    table = embed_names(['cat'], 'open_clip', 'ViT-B-32:openai')
    np.testing.assert_allclose(table.vectors[0], _unit(_letters(['cat'])[0]), rtol=1e-6)
    with pytest.raises(ValueError, match="'ViT-B-32': open_clip expects ARCHITECTURE:PRETRAINED"):
        embed_names(['cat'], 'open_clip', 'ViT-B-32')


def _fake_transformers(network) -> SimpleNamespace:
    def tokenize(texts, padding, return_tensors):
        assert padding and return_tensors == 'pt'
        length = max(map(len, texts))
        ids = torch.tensor([[ord(c) for c in text.ljust(length)] for text in texts])
        return dict(input_ids=ids, attention_mask=(ids != ord(' ')).long())

    def from_pretrained(value):
        return SimpleNamespace(from_pretrained=lambda model: value)

    return dict(AutoTokenizer=from_pretrained(tokenize), AutoModel=from_pretrained(network))


def test_transformers_takes_the_mean_over_tokens_not_over_padding(library) -> None:
    class Network(torch.nn.Module):
        def forward(self, input_ids, attention_mask):
            one_hot = torch.nn.functional.one_hot(input_ids, 128)
            return SimpleNamespace(last_hidden_state=one_hot.bfloat16())

    library('transformers', **_fake_transformers(Network()))
    rows = embed_names(['cat', 'zebra'], 'transformers', 'bert').vectors
    expected = np.zeros(128)
    expected[[ord(c) for c in 'cat']] = 1
    np.testing.assert_allclose(rows[0], _unit(expected), rtol=1e-6)


@pytest.mark.parametrize('wrapped', [False, True])  # the latter from version 5 on
def test_transformers_takes_the_text_features_of_clip(library, wrapped) -> None:
    class Network(torch.nn.Module):
        def get_text_features(self, input_ids, attention_mask):
            features = input_ids[:, :2].float()
            return SimpleNamespace(pooler_output=features) if wrapped else features

    library('transformers', **_fake_transformers(Network()))
    rows = embed_names(['cat', 'dog'], 'transformers', 'clip').vectors
    np.testing.assert_allclose(rows[1], _unit([ord('d'), ord('o')]), rtol=1e-6)


@pytest.mark.parametrize(
    ('arguments', 'error', 'message'),
    [
        ((['cat'], 'gensim', 'm'), ValueError, 'known are sentence-transformers, open_clip'),
        (([], 'open_clip', 'm'), ValueError, 'no class names'),
        ((['cat'], 'open_clip', 'm', ['a cat']), ValueError, r"'a cat' has no {} where the class"),
        ((['cat'], 'open_clip', 'm:x'), ImportError, 'pip install open_clip_torch'),
        ((['cat'], 'transformers', 'm'), ImportError, 'pip install transformers'),
        ((['cat'], 'sentence-transformers', 'm'), ImportError, 'install sentence-transformers'),
    ],
)
def test_mistakes(monkeypatch, arguments, error, message) -> None:
    for name in ('open_clip', 'transformers', 'sentence_transformers'):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(error, match=message):
        embed_names(*arguments)


FAKE = """
import numpy as np
class SentenceTransformer:
    def __init__(self, model): pass
    def encode(self, texts): return np.array([[len(t), t.count('o')] for t in texts], float)
"""


@pytest.mark.slow
def test_tool_writes_a_file_that_is_read(tmp_path, monkeypatch) -> None:
    from mmfewshot_seg.classes import read_word_vectors

    (tmp_path / 'names.txt').write_text('hot dog\n\ncat\n')
    (tmp_path / 'sentence_transformers.py').write_text(FAKE)
    monkeypatch.setenv('PYTHONPATH', f'{tmp_path}:{TOOL.parents[1]}')

    def run(*args) -> subprocess.CompletedProcess:
        command = [sys.executable, str(TOOL), str(tmp_path / 'names.txt'), *map(str, args)]
        return subprocess.run(command, capture_output=True, text=True)

    for suffix in ('npz', 'txt'):
        done = run(tmp_path / f'v.{suffix}', 'sentence-transformers', 'mini')
        assert '2 vectors of length 2' in done.stdout, done.stderr
        rows = read_word_vectors(tmp_path / f'v.{suffix}').select(['cat', 'hot dog'])
        np.testing.assert_allclose(rows, [[1, 0], _unit([7, 2])], rtol=1e-6)
    failed = run(tmp_path / 'v.npz', 'word2vec', 'mini')
    assert failed.returncode == 2 and "make_word_vectors: library 'word2vec'" in failed.stderr


@pytest.mark.parametrize(
    ('names', 'out', 'message'),
    [
        ('cat\ndog\n', 'out.csv', 'word vectors are written to .npz or .txt'),
        ('hot dog\nHot_Dog\n', 'out.txt', 'the classes are named twice: hot dog'),
    ],
)
def test_mistakes_are_told_before_the_model_is_loaded(
    tmp_path, sentence_transformers, capsys, names, out, message
) -> None:
    (tmp_path / 'names.txt').write_text(names)
    arguments = (tmp_path / 'names.txt', tmp_path / out, 'sentence-transformers', 'mini')
    assert call_tool('make_word_vectors', *arguments) == 2
    assert message in capsys.readouterr().err and sentence_transformers == []


def test_lists_of_names_that_are_no_utf8(tmp_path, capsys) -> None:
    path = tmp_path / 'names.txt'
    path.write_text('cat\n', 'utf-16')
    assert call_tool('make_word_vectors', path, 'out.txt', 'open_clip', 'm') == 2
    assert f'{path} is no UTF-8 text' in capsys.readouterr().err
