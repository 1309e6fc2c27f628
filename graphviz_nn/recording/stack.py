"""Room on the stack for the release of long graphs.

An autograd node that Python has seen (as a recorder must, to hook it) is freed by recursion into the nodes before it:
a chain of some 45,000 of them overflows the usual 8 MiB. The main thread's stack grows as far as its soft limit says at
that moment, so raising the limit in time is enough.
"""

from __future__ import annotations

import threading
from typing import Final

_BYTES_PER_NODE: Final = 320
"""Stack that freeing one node takes, with room to spare (about 190 bytes were seen with torch 2.13 on x86-64)."""
_USUAL: Final = 8 * 2**20
_MOST: Final = 120 * 2**20
"""Linux leaves a gap of at least 128 MiB below the stack of a process that was started with a smaller limit."""
_FEW: Final = 20_000


def make_room(nodes: int) -> str | None:
    """Raises the stack's soft limit so that a chain of `nodes` autograd nodes can be freed.

    Returns:
        A warning for people where that is not possible, otherwise None.
    """
    if nodes <= _FEW:
        return None
    wanted = _USUAL + nodes * _BYTES_PER_NODE
    if wanted <= _MOST and threading.current_thread() is threading.main_thread() and _raise_limit(wanted):
        return None
    return (
        f"A graph of {nodes:,} operators was recorded: if they follow one another in one chain, releasing it may "
        f"overflow the stack. Record the program from its main thread, raise `ulimit -s`, or cut the sequence."
    )


def _raise_limit(wanted: int) -> bool:
    try:
        import resource
    except ImportError:  # not a Unix
        return False
    soft, hard = resource.getrlimit(resource.RLIMIT_STACK)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return True
    if hard != resource.RLIM_INFINITY and hard < wanted:
        return False
    resource.setrlimit(resource.RLIMIT_STACK, (wanted, hard))
    return True
