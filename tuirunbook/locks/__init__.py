"""AWS: clients from backend settings, the two lock stores, the state object. Importing this imports no boto3."""

from tuirunbook.locks.clients import Clients, clients, credential_environ
from tuirunbook.locks.settings import SettingsError
from tuirunbook.locks.store import AwsLockStore

__all__ = ["AwsLockStore", "Clients", "SettingsError", "clients", "credential_environ"]
