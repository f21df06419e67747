"""Requests that come before a person has decided: previews by programs for chat and mail, prefetches by browsers."""

import re

from flask import request

# As the programs name themselves in User-Agent. iMessage and LINE name themselves facebookexternalhit too.
_PREVIEWERS = re.compile(
    "facebookexternalhit|facebookcatalog|facebot|meta-externalagent|meta-externalfetcher|whatsapp|kakaotalk-scrap"
    "|line-poker|slackbot|slack-imgproxy|twitterbot|telegrambot|discordbot|linkedinbot|skypeuripreview"
    "|microsoftpreview|bingpreview|google-pagerenderer|googleimageproxy|googlebot|bingbot|applebot|yeti/|daum"
    "|redditbot|mattermost-bot|rocket\\.chat|zulip|synapse|mastodon|pleroma|misskey|embedly|iframely|viber|snapchat",
    re.IGNORECASE,
)
_EARLY = re.compile("prefetch|prerender|preview", re.IGNORECASE)
_PURPOSES = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")


def is_preview() -> bool:
    """True if the present request is that of a previewing program, or of a browser that prefetches."""
    headers = request.headers
    if _PREVIEWERS.search(headers.get("User-Agent", "")):
        return True
    return any(_EARLY.search(headers.get(name, "")) for name in _PURPOSES)
