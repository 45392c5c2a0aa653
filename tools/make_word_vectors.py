"""Word vectors of class names: python tools/make_word_vectors.py NAMES OUT LIBRARY MODEL."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # a clone need not be installed

from mmfewshot_seg.command import ToolParser, run_tool


def main() -> None:
    parser = ToolParser(
        description='Write word vectors of a list of class names, from a text-embedding model of '
        'a library that you have installed.'
    )
    parser.add_argument('names', metavar='NAMES', help='text file, one class name per line')
    parser.add_argument('out', metavar='OUT', help='file to write, .npz or .txt')
    parser.add_argument(
        'library', metavar='LIBRARY', help='sentence-transformers, open_clip or transformers'
    )
    parser.add_argument(
        'model',
        metavar='MODEL',
        help='name or folder of the model; for open_clip ARCHITECTURE:PRETRAINED',
    )
    parser.add_argument(
        '--template',
        nargs='+',
        default=['{}'],
        help='sentences with {} for the class name, over which the vectors are averaged; for CLIP '
        '"a photo of a {}"',
    )
    args = parser.parse_args()

    from mmfewshot_seg.classes.class_split import read_names
    from mmfewshot_seg.classes.text_embeddings import embed_names
    from mmfewshot_seg.classes.word_vector_files import check_target
    from mmfewshot_seg.classes.word_vectors import write_word_vectors

    check_target(args.out)
    names = read_names(args.names, 'NAMES')
    table = embed_names(names, args.library, args.model, args.template)
    write_word_vectors(args.out, table)
    print(f'{args.out}: {len(names)} vectors of length {table.vectors.shape[1]}')


if __name__ == '__main__':
    run_tool(main)
