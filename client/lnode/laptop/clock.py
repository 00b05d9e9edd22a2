"""The clock that runs on while the laptop sleeps."""

import sys
import time


def time_since_boot() -> float:
    """Return the seconds with sleep, by a clock that nobody can set.

    That is CLOCK_BOOTTIME on Linux, and CLOCK_MONOTONIC on macOS (clock_gettime(3)), where time.monotonic() reads
    mach_absolute_time. Without one, as on Windows, it is the time of day.
    """
    name = "CLOCK_BOOTTIME" if sys.platform == "linux" else "CLOCK_MONOTONIC"
    clock = getattr(time, name, None)
    return time.time() if clock is None or sys.platform == "win32" else time.clock_gettime(clock)
