"""Process settings: where state lives and how the processes of one platform find each other."""

from dataclasses import dataclass
from pathlib import Path

STATE_VARIABLE = "STATIONMASTER_STATE"
INSTANCE_VARIABLE = "STATIONMASTER_INSTANCE"


@dataclass(frozen=True, slots=True)
class StateDir:
    """The folder that holds everything durable of one platform (default `.stationmaster`)."""

    root: Path

    @property
    def database(self) -> Path:
        return self.root / "stationmaster.db"

    @property
    def series(self) -> Path:
        """The monitor's samples."""
        return self.root / "series.db"

    @property
    def master_key(self) -> Path:
        return self.root / "master.key"

    @property
    def key_index(self) -> Path:
        """The folder of the key service's database, which the control plane writes and every instance reads."""
        return self.root / "keys"

    @property
    def key_spool(self) -> Path:
        """The folder in which instances of the key service hand revocations over to the control plane."""
        return self.root / "keys" / "revoked"

    @property
    def admin_token(self) -> Path:
        return self.root / "admin.token"

    @property
    def first_password(self) -> Path:
        """The generated password of the first administrator, until `up` has shown it."""
        return self.root / "admin.password"

    @property
    def doctor_token(self) -> Path:
        """What the doctor reads the registry with; it may do nothing else."""
        return self.root / "doctor.token"

    @property
    def control_url(self) -> Path:
        """Holds the base URL of the control plane's API."""
        return self.root / "control.url"

    @property
    def control_tls_url(self) -> Path:
        """Holds the base URL of the same API over HTTPS, while it is served."""
        return self.root / "control.tls.url"

    @property
    def tls(self) -> Path:
        """The folder of our own certificate authority, and of what it certified."""
        return self.root / "tls"

    @property
    def link_key(self) -> Path:
        """Signs the links by which pages are acknowledged."""
        return self.root / "link.key"

    @property
    def bundle_key(self) -> Path:
        """Signs audit bundles."""
        return self.root / "bundle.key"

    @property
    def outbox(self) -> Path:
        """The folder of the outboxes: messages to those who have no other contact."""
        return self.root / "outbox"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def runs(self) -> Path:
        """Where commands of runs that nobody watches are: away from the keys."""
        return self.root / "runs"

    @property
    def nodes(self) -> Path:
        """Bootstrap files of the gateway nodes."""
        return self.root / "nodes"

    @property
    def up_lock(self) -> Path:
        return self.root / "up.lock"

    @property
    def control_lock(self) -> Path:
        return self.root / "control.lock"

    @property
    def control_alive(self) -> Path:
        """Touched while a control plane runs, and taken away when it is stopped: what is left tells of a crash."""
        return self.root / "control.alive"

    @property
    def control_ended(self) -> Path:
        """What the supervisor saw of the end of the last control plane: an exit status, or minus a signal."""
        return self.root / "control.ended"
