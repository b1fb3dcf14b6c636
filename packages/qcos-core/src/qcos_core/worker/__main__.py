"""One worker process; started by ``pool`` with the descriptors of its pipes, and its own pid."""

import sys

from qcos_core.worker.server import serve

if __name__ == "__main__":
    serve(*map(int, sys.argv[1:4]))
