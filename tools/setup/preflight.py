"""Say at once, before anything is downloaded, what set-up would fail on minutes later.

Runs with any Python 3, standard library only.
"""

import argparse
import os
import shutil
import sys
import sysconfig

LOWEST_PYTHON = (3, 10)
NEWEST_PYTHON = {'onedl': (3, 13), 'openmmlab': (3, 11)}  # the pins have no wheels above
NEEDED_GIB = 8  # the environment takes 6, pip unpacks into the temporary folder


def check_python(stack):
    """Complaint about the running Python, or None."""
    newest = NEWEST_PYTHON[stack]
    found = '{}.{}'.format(*sys.version_info)
    if sys.version_info < LOWEST_PYTHON:
        return (
            f'Python {found} at {sys.executable} is too old: 3.10 or newer is needed.\n'
            'What to do: name another one, e.g. `make PYTHON=python3.11 ...`.'
        )
    if sys.version_info[:2] > newest:
        print(
            f'Note: the pinned stack was not tried with Python {found}. Should a package fail to '
            'install, use 3.10 to {0}.{1}: `make PYTHON=python{0}.{1} ...`.'.format(*newest)
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError as error:
        return (
            f'Python {found} cannot make virtual environments ({error}).\n'
            'What to do: install its venv package, e.g. `apt install python3-venv`.'
        )
    return None


def check_disk(folder):
    """Complaint about free space where ``folder`` will be, or None."""
    free = shutil.disk_usage(os.path.dirname(os.path.abspath(folder))).free / 2**30
    if free < NEEDED_GIB:
        return (
            f'{free:.1f} GiB free for {folder}: the environment needs {NEEDED_GIB} GiB.\n'
            'What to do: free some space, or put it elsewhere: `make VENV=/big/disk/venv ...`.'
        )
    return None


def check_compiler():
    """Complaint about the C++ compiler or Python's headers, or None."""
    compiler = os.environ.get('CXX', 'c++')
    if shutil.which(compiler.split()[0]) is None:
        return (
            f"No C++ compiler ({compiler} is not on the PATH): the tests need mmcv's ops.\n"
            'What to do: install one, e.g. `apt install g++`, or name it: `CXX=... make test`.\n'
            '`make demo` works without.'
        )
    header = os.path.join(sysconfig.get_paths()['include'], 'Python.h')
    if not os.path.isfile(header):
        return (
            f"{header} is missing: mmcv's ops cannot be compiled without Python's headers.\n"
            'What to do: install them, e.g. `apt install python3-dev`.'
        )
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    steps = parser.add_subparsers(dest='step', metavar='STEP')
    steps.required = True
    python = steps.add_parser('python', help='is this Python new enough, the disk large enough?')
    python.add_argument('folder', metavar='FOLDER', help='of the environment to be made')
    python.add_argument('stack', choices=sorted(NEWEST_PYTHON), help='host packages')
    steps.add_parser('compiler', help='is there a C++ compiler?')
    args = parser.parse_args()
    if args.step == 'compiler':
        complaint = check_compiler()
    else:
        complaint = check_python(args.stack) or check_disk(args.folder)
    if complaint:
        sys.exit(complaint)


if __name__ == '__main__':
    main()
