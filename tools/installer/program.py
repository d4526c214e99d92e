"""What the installed program starts with."""

import sys

from iouviewer.cli import main

if __name__ == "__main__":
    sys.exit(main())
