"""Waiting for what is expected, never for time to pass."""
import time


def wait_until(what, seconds=10):
    """what(), as soon as it is true; fails where it is not within so long."""
    end = time.monotonic() + seconds
    while True:
        found = what()
        if found:
            return found
        assert time.monotonic() < end, "not true within %g s" % seconds
        time.sleep(0.005)
