"""The table [crio.api]: the sockets."""

from __future__ import annotations

from .key import Key

_T = "crio.api"
_MESSAGE = 80 * 1024 * 1024

KEYS = (
    Key(_T, "listen", "/run/rundlet/cri.sock", "Unix socket that kubelet and crictl connect to",
        "listen"),
    Key(_T, "stream_address", "127.0.0.1", "Address of exec, attach and port-forward",
        "stream-address"),
    Key(_T, "stream_port", "0", "Their port; 0 is any", "stream-port", kind="port"),
    Key(_T, "stream_enable_tls", False, "Serve them by TLS", "stream-enable-tls",
        env="CONTAINER_ENABLE_TLS"),
    Key(_T, "stream_idle_timeout", "", "End their connections after so long without a byte",
        "stream-idle-timeout", env="STREAM_IDLE_TIMEOUT", kind="duration"),
    Key(_T, "stream_tls_cert", "", "Certificate (PEM); a changed file is read again",
        "stream-tls-cert", env="CONTAINER_TLS_CERT"),
    Key(_T, "stream_tls_key", "", "Key of the certificate (PEM)", "stream-tls-key",
        env="CONTAINER_TLS_KEY"),
    Key(_T, "stream_tls_ca", "", "Authorities whose clients may connect, and no others (PEM)",
        "stream-tls-ca", env="CONTAINER_TLS_CA"),
    Key(_T, "tls_min_version", "VersionTLS12", "Oldest TLS of streaming and metrics",
        "tls-min-version", choices=("VersionTLS12", "VersionTLS13")),
    Key(_T, "tls_cipher_suites", (), "Cipher suites of TLS 1.2, by their IANA or OpenSSL names",
        "tls-cipher-suites"),
    Key(_T, "grpc_max_send_msg_size", _MESSAGE, "Largest message that is sent, in bytes",
        "grpc-max-send-msg-size"),
    Key(_T, "grpc_max_recv_msg_size", _MESSAGE, "Largest message that is taken, in bytes",
        "grpc-max-recv-msg-size"),
    Key(_T, "host_ip", (), "Addresses of the node", gone=True,
        without="kubelet knows the node's addresses"),
)  # fmt: skip
