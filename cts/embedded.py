"""What an install without an operator makes for itself once: its secrets and the ports it picked. No Django here.

They live in `<data folder>/install.env`, readable by its owner alone. A variable of the environment always wins over them.
"""

import os
import secrets
import string
import tempfile
from pathlib import Path

FILE_NAME = "install.env"
# Exists while a start is under way: what answers by then is not yet what people should meet.
STARTING = "starting"
_PASSWORD_LETTERS = string.ascii_letters + string.digits


def _fresh() -> dict[str, str]:
    return {
        "CTS_SECRET_KEY": secrets.token_hex(32),
        "CTS_ENCRYPTION_KEYS": f"install:{secrets.token_hex(32)}",
        "CTS_REDIS_PASSWORD": secrets.token_hex(24),
        "CTS_DEMO_PASSWORD": "-".join("".join(secrets.choice(_PASSWORD_LETTERS) for _ in range(5)) for _ in range(3)),
    }


def install_values(data_dir: Path) -> dict[str, str]:
    """The install's own values, made at the first call. Several processes may ask first at the same time."""
    path = data_dir / FILE_NAME
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        prepared = _write_aside(data_dir, _fresh())
        try:
            os.link(prepared, path)
        except FileExistsError:
            pass  # another process was first; its secrets are the install's
        finally:
            os.unlink(prepared)
    return dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)


def install_update(data_dir: Path, **values: str) -> dict[str, str]:
    """Remember further values (only the supervisor does, which is alone on its data folder)."""
    merged = install_values(data_dir) | values
    os.replace(_write_aside(data_dir, merged), data_dir / FILE_NAME)
    return merged


def _write_aside(data_dir: Path, values: dict[str, str]) -> str:
    handle, path = tempfile.mkstemp(dir=data_dir, prefix=f".{FILE_NAME}-")  # mkstemp: mode 600 from the first byte
    with os.fdopen(handle, "w") as file:
        file.writelines(f"{name}={value}\n" for name, value in values.items())
    return path
