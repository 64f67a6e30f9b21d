"""Whom to trust: the system's store, or one file.

Reading the system's store takes tens of milliseconds, so a context is made once per file.
"""

from __future__ import annotations

import ssl

from antiphon.errors import ConnectFailed


class Trust:
    """The TLS contexts in use, by CA file."""

    __slots__ = ("_contexts",)

    def __init__(self) -> None:
        self._contexts: dict[str | None, ssl.SSLContext] = {}

    def context(self, ca_file: str | None) -> ssl.SSLContext:
        """A context that verifies certificate and host name.

        Raises:
            ConnectFailed: `tls_error` where the file cannot be read or holds no certificate.
        """
        context = self._contexts.get(ca_file)
        if context is None:
            try:
                context = ssl.create_default_context(cafile=ca_file)
            except (OSError, ValueError) as error:
                raise ConnectFailed(
                    "The CA file cannot be used: it is missing, unreadable or no PEM file.",
                    code="tls_error",
                ) from error
            context.set_alpn_protocols(["http/1.1"])
            self._contexts[ca_file] = context
        return context


def why(error: Exception) -> str:
    """What went wrong in a handshake, for the person who reads it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        # What follows the comma names the host that was asked for.
        reason = error.verify_message.partition(",")[0]
        return f"The certificate is not to be trusted: {reason}."
    if isinstance(error, ssl.SSLError) and error.reason:
        return f"The TLS handshake failed: {error.reason.lower().replace('_', ' ')}."
    return "The TLS handshake failed: the other side closed the connection."
