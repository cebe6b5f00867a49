"""Tells by e-mail, over SMTP with STARTTLS, in a thread with a time limit."""

import asyncio
import hashlib
import smtplib
import ssl
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from stationmaster.core.response import Contact, Smtp
from stationmaster.incidents.notify.message import Message, body, headline
from stationmaster.incidents.notify.receipt import Receipt, delivered, failed, refused
from stationmaster.incidents.notify.secrets import read_secret

_STEP_S, _LIMIT_S = 10.0, 30.0
_PERMANENT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """`smtp` is asked at every message; None: no server is declared."""

    smtp: Callable[[], Smtp | None]
    threads: Executor
    step_s: float = _STEP_S
    """How long one step of the conversation may take."""
    limit_s: float = _LIMIT_S

    async def send(self, contact: Contact, message: Message, secret: str) -> Receipt:
        server = self.smtp()
        if server is None:
            return refused("no server takes e-mail: declare `incidents.smtp`")
        return await self.hand_over(server, letter_of(message, sender=server.sender, to=secret or contact.address))

    async def hand_over(self, server: Smtp, letter: EmailMessage) -> Receipt:
        """Any letter. Raises PlatformError `secret-unreadable`."""
        password = "" if server.password_file is None else read_secret(server.password_file)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self.limit_s):
                return await loop.run_in_executor(self.threads, self._deliver, server, password, letter)
        except TimeoutError:
            return failed(f"the server for e-mail took longer than {self.limit_s:g} s")

    def _deliver(self, server: Smtp, password: str, letter: EmailMessage) -> Receipt:
        """No receipt repeats what the server said: it might repeat what it was told."""
        try:
            with smtplib.SMTP(server.host, server.port, timeout=self.step_s) as connection:
                if server.starttls:
                    connection.starttls(context=ssl.create_default_context())
                if server.user:
                    connection.login(server.user, password)
                connection.send_message(letter)
        except smtplib.SMTPRecipientsRefused as error:
            codes = sorted({code for code, _ in error.recipients.values()})
            said = f"the server for e-mail refused the recipient ({', '.join(map(str, codes))})"
            return refused(said) if min(codes, default=0) >= _PERMANENT else failed(said)
        except smtplib.SMTPResponseException as error:
            said = f"the server for e-mail answered {error.smtp_code} ({type(error).__name__})"
            lasting = error.smtp_code >= _PERMANENT and isinstance(error, smtplib.SMTPDataError)
            return refused(said) if lasting else failed(said)
        except ssl.SSLCertVerificationError as error:
            return failed(f"the certificate of the server for e-mail is not valid: {error.verify_message}")
        except (smtplib.SMTPException, OSError, ValueError) as error:
            return failed(f"the server for e-mail at {server.host}:{server.port}: {type(error).__name__}")
        return delivered(f"taken by {server.host}:{server.port}")


def letter_of(message: Message, *, sender: str, to: str) -> EmailMessage:
    """The same message has the same Message-ID however often it is sent: readers show it once."""
    letter = EmailMessage()
    letter["From"], letter["To"] = sender, to
    letter["Subject"] = headline(message)
    letter["Date"] = formatdate()
    domain = sender.rpartition("@")[2] or "localhost"
    digest = hashlib.sha256(f"{message.group}\0{message.key}\0{to}".encode()).hexdigest()[:40]
    letter["Message-ID"] = f"<{digest}@{domain}>" if domain.isascii() else make_msgid()
    thread = hashlib.sha256(message.group.encode()).hexdigest()[:40]
    letter["References"] = f"<{thread}@{domain}>"
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(body(message))
    return letter
