"""Let MIM list, search, train and test this package: python tools/setup/try_mim.py FOLDER.

Not one of the tests, for it needs a package index and two environments. Each of the two MIMs finds
only one kind of install, and both are the module ``mim``.

* openmim 0.3.9 finds wheels. Of an editable install it looks for a folder in site-packages, where
  pip puts none any more.
* onedl-mim 0.5.1 finds editable installs. Of a wheel it takes the folder of the first file in
  pip's list, which for a distribution named like its module is the folder of the metadata.

The environments borrow PyTorch and the host packages of the Python that runs this.
"""

import argparse
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = 'mmfewshot_seg'
MIMS = {'wheel': 'openmim==0.3.9', 'editable': 'onedl-mim==0.5.1'}
OLD_OPENXLAB = 'openxlab<0.0.12'  # both want it; newer ones pin setuptools to 60
SHIPPED = (
    'panet_r18-d8_1xb8-350_drawn',
    'asgnet_r18-d8_1xb8-500_drawn',
    'refinemask_r18_fpn_1xb4-1k_drawn',
    'zsi_r18_fpn_1xb4-3k_drawn',
    'gscnn_r18-d8_1xb8-500_drawn',
)
OWN = {'danet': 'danet_r18-d8', 'jpu': 'fcn_r18_jpu'}  # on drawn data, by models that are shipped
OWN_CONFIG = """
_base_ = [
    '{folder}/models/{model}.py',
    '{folder}/datasets/drawn_semantic.py',
    '{folder}/schedules/adamw_2k.py',
    '{folder}/default_runtime_semseg.py',
]
model = dict(decode_head=dict(num_classes={{{{_base_.num_classes}}}}))
"""
TWO_STEPS = ('train_cfg.max_iters=2', 'train_dataloader.batch_size=2')
LITTLE_TO_TEST = ('test_dataloader.dataset.indices=4',)
FEW_EPISODES = (
    'train_dataloader.dataset.protocol.min_area=1',
    'test_dataloader.dataset.protocol.min_area=1',
    'test_dataloader.dataset.num_episodes=4',
)


def run(*command: object, **options) -> str:
    """Output of a command.

    Raises:
        SystemExit: If it fails; with its output.
    """
    command = list(map(str, command))
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
    )
    if done.returncode:
        sys.exit(f'{done.stdout}\nFAILED: {" ".join(command)}')
    return done.stdout


def draw_data(data: Path) -> None:
    """Drawn images, every class on several of them, with all annotations."""
    tool, files = ROOT / 'tools', data / 'annotations'
    numbers = ('--num-train', 200, '--num-test', 100, '--size', 96)
    run(sys.executable, tool / 'draw_dataset.py', data, *numbers)
    split = ('--seen', data / 'seen.txt', '--unseen', data / 'unseen.txt')
    files = ('--train', files / 'instances_train.json', '--test', files / 'instances_test.json')
    run(sys.executable, tool / 'prepare_zeroshot_coco.py', *split, *files)


class Mim:
    """An environment with a MIM and this package.

    Args:
        folder: Where it is made.
        kind: ``'wheel'`` or ``'editable'``, how the package is installed.
        data: The drawn data.
    """

    def __init__(self, folder: Path, kind: str, data: Path) -> None:
        self.folder, self.kind = folder, kind
        self.python = folder / 'bin' / 'python'
        self.environment = {**os.environ, 'PYTHONWARNINGS': 'ignore', 'DRAWN_DATA': str(data)}
        self.environment.pop('PYTHONPATH', None)
        run(sys.executable, '-m', 'venv', folder)
        find = 'import sysconfig; print(sysconfig.get_path("purelib"))'
        site = Path(run(self.python, '-c', find).strip())
        (site / 'hosts.pth').write_text(sysconfig.get_path('purelib'))
        pip = (self.python, '-m', 'pip', '--disable-pip-version-check', 'install', '-q')
        run(*pip, '--ignore-installed', 'setuptools>=77,<82', 'wheel')
        run(*pip, MIMS[kind], OLD_OPENXLAB)
        package = [ROOT] if kind == 'wheel' else ['-e', ROOT]
        run(*pip, '--no-deps', '--no-build-isolation', '--ignore-installed', *package)
        self.configs = ROOT / 'configs' if kind == 'editable' else site / PACKAGE / '.mim/configs'

    def __call__(self, *arguments: object) -> str:
        """Output of ``mim ARGUMENTS``, away from the checkout."""
        command = (self.python, '-m', 'mim', *arguments)
        return run(*command, cwd=self.folder, env=self.environment)

    def config(self, name: str) -> str:
        """What to call a shipped config: of an editable install MIM finds each name twice."""
        if self.kind == 'wheel':
            return f'{name}.py'
        (path,) = self.configs.glob(f'*/{name}.py')
        return str(path)

    def own_config(self, system: str) -> str:
        path = self.folder / f'{system}_drawn.py'
        path.write_text(OWN_CONFIG.format(folder=self.configs / '_base_', model=OWN[system]))
        return str(path)

    def train_and_test(self, system: str, config: str) -> str:
        """The line with the figures after two steps of training."""
        work = self.folder / 'work' / system
        few = FEW_EPISODES if system in ('panet', 'asgnet') else LITTLE_TO_TEST
        options = ('-y', '--work-dir', work, '--cfg-options', *TWO_STEPS, *few)
        self('train', PACKAGE, config, '--gpus', '0', *options)
        weights = ('--checkpoint', work / 'iter_2.pth')
        tested = self('test', PACKAGE, config, *weights, '--gpus', '0', *options)
        return [line for line in tested.splitlines() if 'Iter(test)' in line][-1]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('folder', type=Path, metavar='FOLDER', help='to make; takes minutes')
    folder = parser.parse_args().folder.resolve()
    if folder.exists():
        parser.error(f'{folder} exists')
    folder.mkdir(parents=True)
    draw_data(folder / 'drawn')
    for kind in MIMS:
        mim = Mim(folder / kind, kind, folder / 'drawn')
        listed, found = mim('list'), mim('search', PACKAGE, '--valid-config')
        if PACKAGE not in listed.replace('-', '_') or not all(name in found for name in SHIPPED):
            sys.exit(f'{listed}\n{found}\nFAILED: {MIMS[kind]} does not list all of {PACKAGE}')
        print(f'{MIMS[kind]}, {kind}: listed, all configs found', flush=True)
        configs = {name.partition('_')[0]: mim.config(name) for name in SHIPPED}
        configs |= {system: mim.own_config(system) for system in OWN}
        for system, config in configs.items():
            figures = mim.train_and_test(system, config).partition('Iter(test)')[2]
            print(f'{MIMS[kind]}, {kind}: {system} trained and tested{figures[:70]}', flush=True)


if __name__ == '__main__':
    main()
