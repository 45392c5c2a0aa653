# The same where training is counted in passes over the images.
_base_ = './default_runtime_semseg.py'

default_hooks = dict(
    logger=dict(log_metric_by_epoch=True),
    checkpoint=dict(by_epoch=True, interval=5),
)
log_processor = dict(by_epoch=True)
