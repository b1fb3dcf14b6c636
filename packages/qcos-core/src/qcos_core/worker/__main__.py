"""One worker process; started by ``pool`` with the descriptors of its two pipes."""

import sys

from qcos_core.worker.server import serve

if __name__ == "__main__":
    serve(int(sys.argv[1]), int(sys.argv[2]))
