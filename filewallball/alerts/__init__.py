"""Alerts: which there are, where they go, what was received (design: Alerts)."""

from filewallball.settings.guide import ALERT_RULES, NOTIFICATION_CHANNELS

__all__ = ["ALERT_RULES", "NOTIFICATION_CHANNELS"]
