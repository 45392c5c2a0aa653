"""How the results of an evaluation come to the first process."""

import os
import tempfile

from mmengine.dist import all_gather_object, broadcast_object_list, get_world_size
from mmengine.runner import Runner


def collect_through_network(runner: Runner, loop) -> None:
    """Have metrics collect over the network where processes do not share the working directory.

    MMEngine's metrics hand results over as files in it, unless they are configured otherwise.

    Args:
        runner: With its process group.
        loop: One of its loops with an evaluator, or None.
    """
    if get_world_size() == 1 or loop is None or _share_a_folder('.'):
        return
    for metric in loop.evaluator.metrics:
        if metric.collect_device == 'cpu' and metric.collect_dir is None:
            metric.collect_device = 'gpu'  # of any process group
    runner.logger.info(
        'The processes do not share a working directory: results of the evaluation are collected '
        'over the network, in the memory of every process'
    )


def _share_a_folder(folder: str) -> bool:
    """Whether all processes see a file that the first one makes."""
    with tempfile.TemporaryDirectory(prefix='.shared_', dir=folder) as own:
        name = [own]
        broadcast_object_list(name)
        return all(all_gather_object(os.path.isdir(name[0])))
