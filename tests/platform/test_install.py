"""A failed installation says one sentence with the remedy."""

from pathlib import Path

import pytest

from cts import install


@pytest.mark.parametrize(
    ("output", "remedy"),
    [
        (
            "The virtual environment was not created successfully because ensurepip is not available.",
            "apt-get install python3-venv",
        ),
        ("/usr/bin/python3: No module named venv", "apt-get install python3-venv"),
        ("fatal error: Python.h: No such file or directory", "python3-dev"),
        (
            "NewConnectionError: Failed to establish a new connection: [Errno -3] Temporary failure in name resolution",
            "connect this machine to the network",
        ),
        ("ERROR: No matching distribution found for amqp==5.4.2", "connect this machine to the network"),
        ("npm ERR! code EAI_AGAIN", "connect this machine to the network"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "pip cache purge"),
        ("OSError: [Errno 28] No space left on device", "free about 2 GB"),
        ("SSLError(SSLCertVerificationError(1, 'CERTIFICATE_VERIFY_FAILED", "PIP_CERT"),
        ("[Errno 13] Permission denied: '/srv/cts/.venv'", "may not write"),
    ],
)
def test_each_known_failure_names_its_remedy(output: str, remedy: str) -> None:
    told = install.remedy_for(f"Collecting amqp\n{output}\nmore noise\n")
    assert remedy in told
    assert "\n" not in told


def test_an_unknown_failure_tells_the_last_thing_said() -> None:
    assert install.remedy_for("first\nthe disk caught fire\n\n") == "It said: the disk caught fire"


def test_a_failing_installer_becomes_one_sentence_and_a_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "ROOT", tmp_path)
    monkeypatch.setattr(install, "LOG", tmp_path / "var" / "install.log")
    with pytest.raises(install.InstallFailed) as failure:
        install._run(["/bin/sh", "-c", "echo 'npm ERR! code ENOTFOUND'; exit 1"])
    assert str(failure.value).endswith("(all it said: var/install.log)")
    assert "ENOTFOUND" in (tmp_path / "var" / "install.log").read_text()
