"""temp"""

import contextlib


@contextlib.contextmanager
def lock(folder):
    """temp"""
    yield
