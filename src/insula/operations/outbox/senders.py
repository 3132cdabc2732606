"""`send`: sends a notification to a receiver: a signed webhook, the JSON of Slack, or an e-mail."""

from __future__ import annotations

import hashlib
import hmac
import json
import smtplib
import ssl
import time
from collections.abc import Callable, Collection, Mapping
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import quote

from insula.core.environment import require
from insula.core.errors import ServiceError
from insula.operations.outbox.outbox import Delivery
from insula.operations.outbox.receivers import Receiver

SIGNATURE = "insula-signature"
KEY = "insula-delivery"
"""The header with the key of a notification, percent-encoded: the same at every attempt."""


def check_receiver(receiver: Receiver) -> None:
    """Raise `SettingsError` for a secret that is not set, `MissingExtraError` if a package is missing to notify it."""
    receiver.check_secrets()
    if receiver.kind != "email":
        require("httpx2", extra="client", purpose="notify a webhook")


def send(receiver: Receiver, delivery: Delivery) -> str | None:
    """Send a notification; return once the receiver has accepted it, with a sentence if not all addresses did.

    Raises `ServiceError` if it did not, with the reason and no secret, and `SettingsError` for a secret that is not
    set.
    """
    return _SENDERS[receiver.kind](receiver, delivery)


def sign(secret: str, moment: int, body: bytes) -> str:
    """Return the signature of a body: `t=MOMENT,v1=HMAC`, an HMAC-SHA256 of the moment, a dot and the body in hex.

    A receiver computes the same, compares in constant time, and rejects a moment that is minutes old.
    """
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"


def _send_webhook(receiver: Receiver, delivery: Delivery) -> str | None:
    sent = delivery.notification
    row = {
        "event": sent.event, "key": sent.key, "time": delivery.created.isoformat(timespec="seconds"),
        "summary": sent.summary, "data": dict(sent.data),
    }  # fmt: skip
    body = json.dumps(row, ensure_ascii=False).encode()
    headers = {KEY: quote(sent.key), "insula-event": sent.event}
    secret = receiver.read_secret(receiver.secret_env)
    if secret is not None:
        headers[SIGNATURE] = sign(secret, int(time.time()), body)
    return _post(receiver, body, headers)


def _send_slack(receiver: Receiver, delivery: Delivery) -> str | None:
    # Slack reads these three characters as markup.
    sent = delivery.notification
    quoted = "".join(f"\n> {line}" for line in str(sent.data.get("text") or "").splitlines())
    text = f"{sent.summary}{quoted}".replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _post(receiver, json.dumps({"text": text}, ensure_ascii=False).encode(), {KEY: quote(sent.key)})


def _post(receiver: Receiver, body: bytes, headers: Mapping[str, str]) -> str | None:
    import httpx2

    try:
        answer = httpx2.post(
            str(receiver.url), content=body, headers={"content-type": "application/json", **headers},
            timeout=receiver.seconds, follow_redirects=False,
        )  # fmt: skip
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
        reason = str(error).rstrip(".") or type(error).__name__
        raise ServiceError(f"The receiver {receiver.name!r} does not answer: {reason}. Check its url.") from None
    if not answer.is_success:
        raise ServiceError(
            f"The receiver {receiver.name!r} answered with status {answer.status_code}. Check its url and its log.",
            status=answer.status_code,
        )
    return None


def _send_email(receiver: Receiver, delivery: Delivery) -> str | None:
    sent = delivery.notification
    message = EmailMessage()
    message["Subject"] = f"[insula] {' '.join(sent.summary.split())}"[:200]
    message["From"] = str(receiver.sender)
    message["To"] = ", ".join(receiver.to)
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain="insula.invalid")
    message["Insula-Delivery"] = "".join(filter(str.isprintable, sent.key))
    known = {name: value for name, value in sent.data.items() if value is not None}
    facts = "\n".join(f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in known.items())
    message.set_content(f"{sent.summary}\n\n{facts}\n\nSent by insula ({sent.event}).\n")
    try:
        rejected = _submit(receiver, message)
    except (smtplib.SMTPException, OSError) as error:
        reason = str(error).rstrip(".") or type(error).__name__
        raise ServiceError(
            f"The mail server of {receiver.name!r} does not accept the message: {reason}. Check host, user and "
            "password_env."
        ) from None
    if not rejected:
        return None
    # The others have it: it is not sent again.
    return f"The mail server of {receiver.name!r} did not accept the message for {', '.join(sorted(rejected))}."


def _submit(receiver: Receiver, message: EmailMessage) -> Collection[str]:
    """Send a message; return the addresses that the server rejects if it accepts others."""
    context = ssl.create_default_context()
    host, port = str(receiver.host), receiver.port
    with (
        smtplib.SMTP_SSL(host, port, timeout=receiver.seconds, context=context)
        if receiver.security == "tls"
        else smtplib.SMTP(host, port, timeout=receiver.seconds)
    ) as server:
        if receiver.security == "starttls":
            server.starttls(context=context)
        password = receiver.read_secret(receiver.password_env)
        if receiver.user is not None and password is not None:
            server.login(receiver.user, password)
        return server.send_message(message)


_SENDERS: Mapping[str, Callable[[Receiver, Delivery], str | None]] = {
    "webhook": _send_webhook,
    "slack": _send_slack,
    "email": _send_email,
}
