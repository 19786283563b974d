"""Run a receiver on a port of the ephemeral range.

It has its own network namespace. The kernel gives such ports to connections too.

The ephemeral range is sixteen ports wide, so that a retry soon connects to itself. Then a producer starts
there. Prints what happened as JSON.
"""

import fcntl
import json
import socket
import struct
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

from sunspec_tui import StreamReceiver
from sunspec_tui.cli.producer_setup import make_producer, make_source
from sunspec_tui.core.errors import UsageError
from sunspec_tui.core.settings import StreamSettings

SIOCSIFFLAGS, IFF_UP = 0x8914, 1
PORT = 40000


def main() -> None:
    """Let a receiver retry for a while, then start a producer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        fcntl.ioctl(one, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))
    Path("/proc/sys/net/ipv4/ip_local_port_range").write_text(f"{PORT} {PORT + 15}\n")
    result = {"bound": 0, "refused": "", "frames": 0}
    with StreamReceiver(stream_port=PORT, plot_interval=0) as receiver:
        # About twenty retries: at least one of them gets the port itself.
        threading.Event().wait(float(sys.argv[1]))
        with ExitStack() as started:
            settings = StreamSettings(port=PORT)
            try:
                op, _ = make_producer(started, make_source(settings), settings)
                result["bound"] = op.bind()
                thread = threading.Thread(target=op.main)
                thread.start()
                started.callback(thread.join)
                started.callback(op.shutdown)
                receiver.wait_for_frames(3, 10)
            except UsageError as error:
                result["refused"] = str(error)
        result["frames"] = receiver.snapshot().health.frames_received
        result["link"] = str(receiver.snapshot().health.link)
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
