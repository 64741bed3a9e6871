"""`make certify`: every venue, verb, channel and fault over the wire; the table goes into README when it has changed."""

import subprocess
import sys
import tempfile
from pathlib import Path

README = Path(__file__).parent.parent / "README.md"
BEGIN, END = "<!-- certificate: written by make certify -->", "<!-- end of certificate -->"


def table_of(text: str) -> str:
    """The certificate in a README."""
    return text.partition(BEGIN)[2].partition(END)[0].strip()


def main(extra: list[str]) -> int:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "certificate.md"
        command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "tests/exchanges/certification"]
        failed = subprocess.run([*command, "--certificate", str(target), *extra], check=False).returncode
        certificate = target.read_text().strip() if target.exists() else ""
    if failed or not certificate:
        return failed or 1
    text = README.read_text()
    if BEGIN not in text:
        print(f"README.md has no place for it: put {BEGIN} and {END} where it belongs")
        return 1
    if table_of(text) != certificate:
        before, _, rest = text.partition(BEGIN)
        README.write_text(f"{before}{BEGIN}\n{certificate}\n{END}{rest.partition(END)[2]}")
        print("README.md has the new table")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
