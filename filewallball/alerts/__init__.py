"""Alerts: which there are, where they go, what was received (design: Alerts)."""

from filewallball.ops.guide_rules import ALERT_RULES, NOTIFICATION_CHANNELS

__all__ = ["ALERT_RULES", "NOTIFICATION_CHANNELS"]
