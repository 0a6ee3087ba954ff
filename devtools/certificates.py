"""Certificates for tests, made with openssl: an authority, and what it signs."""

from __future__ import annotations

import subprocess
from pathlib import Path


class Authority:
    """A certificate authority in a directory: `certificate` is what to trust."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.certificate = directory / "ca.crt"
        self._key = directory / "ca.key"
        self._openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-subj", "/CN=Rundlet tests", "-days", "2", "-keyout", str(self._key),
            "-out", str(self.certificate),
        )  # fmt: skip

    def issue(self, name: str, hosts: str = "DNS:localhost,IP:127.0.0.1") -> tuple[Path, Path]:
        """A certificate for these subject alternative names, and its key."""
        request = self._directory / f"{name}.csr"
        certificate, key = self._directory / f"{name}.cert", self._directory / f"{name}.key"
        self._openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-subj", f"/CN={name}", "-keyout", str(key), "-out", str(request),
        )  # fmt: skip
        extensions = self._directory / f"{name}.ext"
        extensions.write_text(f"subjectAltName={hosts}\n")
        self._openssl(
            "x509", "-req", "-in", str(request), "-CA", str(self.certificate),
            "-CAkey", str(self._key), "-CAcreateserial", "-days", "2",
            "-extfile", str(extensions), "-out", str(certificate),
        )  # fmt: skip
        return certificate, key

    def _openssl(self, *words: str) -> None:
        subprocess.run(["openssl", *words], check=True, capture_output=True)
