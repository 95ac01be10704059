"""Holds one thread of another process still until that process ends: freeze.py THREAD, as root."""

import ctypes
import os
import sys

PTRACE_SEIZE, PTRACE_INTERRUPT = 0x4206, 0x4207
# Waits for threads too, not for children only.
WALL = 0x40000000

thread = int(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
for request in (PTRACE_SEIZE, PTRACE_INTERRUPT):
    if libc.ptrace(request, thread, None, None) == -1:
        sys.exit(f"thread {thread}: {os.strerror(ctypes.get_errno())}")
while True:
    _, status = os.waitpid(thread, WALL)
    if not os.WIFSTOPPED(status):
        break
    print("frozen", flush=True)
