"""`Receiver`: a receiver of notifications and its events, as configured in settings files."""

from __future__ import annotations

import fnmatch
import os
import re
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from insula.core.errors import SettingsError
from insula.knowledge.rule_toml import TomlTable

Name = Annotated[str, Field(min_length=1, max_length=100)]
_URL = re.compile(r"https?://[^\s/]+\S*")
_ADDRESS = re.compile(r"[^\s@,]+@[^\s@,]+")


class Receiver(TomlTable):
    """A receiver of notifications. Secrets are read from environment variables, never from the file."""

    name: Name = Field(description="Name of the receiver; unique in the store.")
    kind: Literal["webhook", "slack", "email"] = Field(
        description="`webhook`: JSON, signed if there is a secret. `slack`: the JSON that Slack, Mattermost and others "
        "expect. `email`: SMTP."
    )
    events: tuple[Name, ...] = Field(
        ("*",), min_length=1, description="Events to send, such as `alert.raised`; `*` stands for any part of a name."
    )
    url: str | None = Field(None, description="webhook, slack: the address to post to.")
    secret_env: Name | None = Field(
        None, description="webhook: environment variable with the secret that signs notifications."
    )
    host: Name | None = Field(None, description="email: the mail server.")
    port: int = Field(587, ge=1, le=65535, description="email: its port.")
    security: Literal["starttls", "tls", "none"] = Field("starttls", description="email: encryption of the connection.")
    user: Name | None = Field(None, description="email: the user name, if the server requires one.")
    password_env: Name | None = Field(None, description="email: environment variable with the password.")
    sender: str | None = Field(None, description="email: the sender's address.")
    to: tuple[str, ...] = Field((), description="email: the recipients' addresses.")
    texts: Literal["none", "masked"] = Field(
        "none",
        description="Words of the message in notifications of a case: `none`, or `masked` with personal data masked.",
    )
    seconds: float = Field(10.0, gt=0, le=120, description="Timeout of an attempt in seconds.")

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.kind == "email":
            if self.host is None or self.sender is None or not self.to:
                raise ValueError("a receiver of the kind email must set `host`, `sender` and `to`. Add them")
            wrong = [address for address in (self.sender, *self.to) if not _ADDRESS.fullmatch(address)]
            if wrong:
                raise ValueError(f"`sender` and `to` must be e-mail addresses. Got {wrong[0]!r}. Correct it")
            if (self.user is None) != (self.password_env is None):
                raise ValueError("`user` and `password_env` must be set together. Add the missing one")
        elif self.url is None or not _URL.fullmatch(self.url):
            raise ValueError(f"{self.kind} needs url, an address that starts with https:// or http://. Add it")
        return self

    def subscribes_to(self, event: str) -> bool:
        """Whether it is notified of an event."""
        return any(fnmatch.fnmatchcase(event, pattern) for pattern in self.events)

    def read_secret(self, variable: str | None) -> str | None:
        """Return the value of its environment variable. Raises `SettingsError` if the variable is not set."""
        if variable is None:
            return None
        value = os.environ.get(variable)
        if not value:
            raise SettingsError(
                f"The receiver {self.name!r} needs the environment variable {variable}, which is not set. Set it."
            )
        return value

    def check_secrets(self) -> None:
        """Raise `SettingsError` if an environment variable that it needs is not set."""
        self.read_secret(self.secret_env)
        self.read_secret(self.password_env)
