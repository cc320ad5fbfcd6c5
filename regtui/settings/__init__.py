"""What the user decided and is remembered: config file, profiles, credentials."""

from regtui.settings.config import Config, Profile
from regtui.settings.credentials import Credentials, Found, Kept, Lookup, Source

__all__ = ["Config", "Credentials", "Found", "Kept", "Lookup", "Profile", "Source"]
