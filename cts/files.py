"""Files that are there whole or not at all."""

import os
import threading
from pathlib import Path


def draft_of(path: Path) -> Path:
    """Where to write what shall then replace `path`: beside it, under a name no other process or thread writes to."""
    return path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}")
