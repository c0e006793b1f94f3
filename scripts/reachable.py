"""Say which of the services named by URL answer; exit 1 when one does not."""

import socket
import sys
from urllib.parse import urlsplit

PORTS = {"postgres": 5432, "postgresql": 5432, "redis": 6379}


def main() -> int:
    missing = 0
    for url in sys.argv[1:]:
        parts = urlsplit(url)
        address = (parts.hostname or "127.0.0.1", parts.port or PORTS[parts.scheme])
        try:
            socket.create_connection(address, timeout=2).close()
        except OSError as error:
            sys.stderr.write(f"{parts.scheme} at {address[0]}:{address[1]} does not answer: {error}\n")
            missing += 1
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
