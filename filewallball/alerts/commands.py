"""`filewallball alerts …`: try the channels."""

import sys

import click

from filewallball.alerts.channels import SmsChannel
from filewallball.commands import plain_failures
from filewallball.commands.output import answer, json_option, under_way
from filewallball.ops.alertmanager import CHANNELS
from filewallball.ops.channel_trial import AlertmanagerSilent, try_channel
from filewallball.settings.loading import load_settings


@click.command("test")
@click.argument("channel", type=click.Choice(CHANNELS))
@click.option("--wait", default=30.0, show_default=True, help="Seconds to wait for the delivery.")
@json_option
@plain_failures
def test_command(channel: str, wait: float, as_json: bool) -> None:
    """Send a test through CHANNEL, by way of Alertmanager; ends with 1 unless it was delivered.

    An SMS is delivered once this service has taken it; its own log and `/api/v1/alerts` say what the provider said.
    """
    settings = load_settings()
    if channel == "sms" and not SmsChannel(settings).recipients():
        click.echo("filewallball: SMS goes nowhere: set ALERT_SMS_ACCOUNT_SID or ALERT_SMS_URL.", err=True)
        sys.exit(1)
    try:
        with under_way(f"Waiting for {channel}"):
            delivered = try_channel(settings.alertmanager_url, channel, wait)
    except AlertmanagerSilent as error:
        click.echo(f"filewallball: {error}", err=True)
        sys.exit(1)
    if delivered:
        told = f"Alertmanager delivered a test through {channel}."
        answer({"channel": channel, "delivered": True}, told, as_json=as_json)
        return
    if as_json:
        answer({"channel": channel, "delivered": False}, as_json=True)
    told = "was refused" if delivered is False else f"was not delivered within {wait:g} seconds"
    click.echo(f"filewallball: the test through {channel} {told}; Alertmanager's log says why.", err=True)
    sys.exit(1)
