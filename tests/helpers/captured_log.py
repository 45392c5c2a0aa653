"""What is logged, for tests."""

from contextlib import contextmanager

from mmengine.logging import MMLogger


@contextmanager
def capture(caplog):
    """MMEngine's logger hands nothing on to the root logger, which ``caplog`` listens to."""
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    yield
    logger.removeHandler(caplog.handler)
