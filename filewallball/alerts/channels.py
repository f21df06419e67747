"""SMS through Apprise: where they go comes from the settings alone."""

from dataclasses import dataclass
from urllib.parse import quote

from filewallball.alerts.secret import read_secret
from filewallball.settings.service import Settings

ANY = ""
"""The recipient of an ALERT_SMS_URL, which names its own."""


@dataclass(frozen=True, slots=True)
class SmsChannel:
    """The channel that sends SMS; it has no recipients where it is off or not set up."""

    settings: Settings

    def recipients(self) -> tuple[str, ...]:
        """The phone numbers to which an alert is sent by SMS."""
        settings = self.settings
        if not settings.alert_sms_enabled:
            return ()
        if settings.alert_sms_url:
            return (ANY,)
        return settings.alert_sms_phone_numbers if settings.alert_sms_account_sid else ()

    def send(self, recipient: str, text: str) -> bool:
        """Hand one message to the provider; True if it was taken. Takes seconds, so never within a request."""
        import apprise  # knows hundreds of services: only the process that sends pays for them

        service = apprise.Apprise()
        return bool(service.add(self._url(recipient)) and service.notify(body=text))

    def _url(self, recipient: str) -> str:
        settings = self.settings
        if settings.alert_sms_url:
            return settings.alert_sms_url
        token = read_secret(settings.alert_sms_auth_token, settings.alert_sms_auth_token_file)
        account, sender = (
            quote(settings.alert_sms_account_sid, safe=""),
            quote(settings.alert_sms_from, safe=""),
        )
        return (
            f"{settings.alert_sms_provider}://{account}:{quote(token, safe='')}@{sender}/{quote(recipient)}"
        )
