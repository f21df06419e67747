"""Schemas of the statistics routes, each field with its meaning and unit. Days are those of UTC."""

from typing import Any

from marshmallow import Schema, fields, validate

from filewallball.stats.clients import ORDERS
from filewallball.web.schemas import DurationField, TimeField


def _integer(about: str) -> fields.Integer:
    return fields.Integer(metadata={"description": about})


def _number(about: str) -> fields.Float:
    return fields.Float(metadata={"description": about})


def _text(about: str) -> fields.String:
    return fields.String(metadata={"description": about})


def _counts(about: str) -> fields.Dict:
    return fields.Dict(keys=fields.String(), values=fields.Integer(), metadata={"description": about})


def _group(schema: type[Schema], about: str, *, many: bool = False) -> fields.Field[Any]:
    if many:
        return fields.List(fields.Nested(schema), metadata={"description": about})
    return fields.Nested(schema, metadata={"description": about})


def _days(default: int, about: str = "Length of the period in days of UTC, today included") -> fields.Integer:
    return fields.Integer(
        load_default=default, validate=validate.Range(min=1, max=365), metadata={"description": about}
    )


class DayQuerySchema(Schema):
    """The period to look back on."""

    days = _days(1, "How many times 24 hours performance and security look back, from a full hour on")


class WeekQuerySchema(Schema):
    """The period to look back on."""

    days = _days(7)


class MonthQuerySchema(Schema):
    """The period to look back on."""

    days = _days(30)


class ClientsQuerySchema(WeekQuerySchema):
    """The part of the ranking to return."""

    order = fields.String(
        load_default="count",
        validate=validate.OneOf(ORDERS),
        metadata={
            "description": "What comes first: the most operations, bytes or errors; equal clients by address"
        },
    )
    page = fields.Integer(
        load_default=1,
        validate=validate.Range(min=1, max=10_000),
        metadata={"description": "Number of the page; page × size may not exceed 10,000"},
    )
    size = fields.Integer(
        load_default=50,
        validate=validate.Range(min=1, max=500),
        metadata={"description": "Clients on a page"},
    )


class SystemMetricsSchema(Schema):
    """Files and bytes that are kept now."""

    total_files = _integer("Files kept now, quarantined ones included")
    total_storage_used = _integer(
        "Sum of their sizes in bytes; equal content counts as often as it was uploaded"
    )
    average_file_size = _integer("Bytes; total_storage_used / total_files, rounded down")
    files_by_type = _counts("Files kept now by media type, the most first")
    storage_utilization = _number(
        "Used share of the file system that holds the files, per cent, as df says it"
    )
    disk_free_space = _integer("Bytes free on that file system")


class PerformanceMetricsSchema(Schema):
    """Times, hit rate and error rate of the operations in the period."""

    average_upload_time = _number("Seconds from a successful upload's first byte to its commit")
    average_download_time = _number(
        "Seconds from a successful download's request to its last byte; without those that nginx sends"
    )
    cache_hit_rate = _number("Per cent of lookups that the metadata cache answered")
    error_rate = _number("Per cent of operations that failed; denied ones count on neither side")
    response_time_p95 = _number("Seconds that 95 % of all operations of clients did not exceed (within 2 %)")
    response_time_p99 = _number("Seconds that 99 % of all operations of clients did not exceed (within 2 %)")


class UserMetricsSchema(Schema):
    """The present day of UTC."""

    active_users_today = _integer("Distinct users with a token")
    total_downloads_today = _integer(
        "Downloads sent in full, or in the part asked for; those broken off are errors"
    )
    total_views_today = _integer("Views sent in full, or in the part asked for; those broken off are errors")
    unique_ips_today = _integer("Distinct client addresses")


class SecurityMetricsSchema(Schema):
    """Refused and suspicious requests in the period."""

    failed_authentications = _integer("Requests with malformed, unknown, expired or revoked credentials")
    rate_limit_violations = _integer(
        "Requests refused for exceeding a rate limit; those that RATELIMIT_ENFORCE=false lets pass are in metrics only"
    )
    suspicious_uploads = _integer("Uploads with a deceptive name or dangerous content")
    blocked_ips = _integer("Networks that are blocked now")


class CapacitySchema(Schema):
    """Growth, and the time until the disk is full."""

    growth_per_day_7_days = _integer(
        "Bytes uploaded minus bytes deleted or expired, a day, over the last 7 days (or since the first event)"
    )
    growth_per_day_30_days = _integer("The same over the last 30 days")
    days_until_full = fields.Float(
        allow_none=True,
        metadata={
            "description": "Free space without the reserve, divided by the faster growth; null while nothing grows. "
            "Equal content is stored once, so it may last longer"
        },
    )


class DetailedMetricsSchema(Schema):
    """The whole service, all workers and hosts together."""

    period_days = _integer("Length of the period: so many times 24 hours and the hour under way")
    system_metrics = _group(SystemMetricsSchema, "What is kept now")
    performance_metrics = _group(PerformanceMetricsSchema, "How operations went in the period")
    user_metrics = _group(UserMetricsSchema, "The present day of UTC")
    security_metrics = _group(SecurityMetricsSchema, "What was turned away or noticed in the period")
    capacity = _group(CapacitySchema, "How long the disk lasts")
    active_connections = fields.Integer(
        allow_none=True,
        metadata={
            "description": "Requests in progress on this host now, this one among them; null without metrics "
            "(PROMETHEUS_ENABLED)"
        },
    )


class DayOfUploadsSchema(Schema):
    """A day on which the client uploaded."""

    date = _text("Day of UTC")
    count = _integer("Uploads attempted, successful or failed")
    size = _integer("Bytes of the successful ones")
    success_rate = _number("Per cent of them that succeeded")


class ClientUploadsSchema(Schema):
    """One client's uploads. Denied ones (permission, limit, block, quota) are not counted."""

    client_ip = _text("The address in its shortest spelling")
    period_days = _integer("Length of the period in days of UTC, today included")
    total_uploads = _integer("Uploads attempted, successful or failed")
    total_size = _integer("Bytes of the successful ones")
    successful_uploads = _integer("Uploads that were kept")
    failed_uploads = _integer("Uploads that were not")
    average_file_size = _integer("Bytes; total_size / successful_uploads, rounded down")
    most_common_type = fields.String(
        allow_none=True, metadata={"description": "The first of file_type_distribution"}
    )
    upload_trend = _group(
        DayOfUploadsSchema, "Days with uploads, oldest first; others are left out", many=True
    )
    file_type_distribution = _counts(
        "All attempts by media type, the most first; `unknown` where nobody saw the content"
    )
    error_breakdown = _counts("Failed uploads by error code, the most first")


class DayOfErrorsSchema(Schema):
    """Uploads that failed on one day for one cause."""

    date = _text("Day of UTC")
    count = _integer("Uploads that failed")
    type = _text("Error code")
    percentage = _number("Share of all errors of the period, per cent")


class ErrorSourceSchema(Schema):
    """A client whose uploads failed."""

    client_ip = _text("Its address")
    error_count = _integer("Its failed uploads in the period")
    most_common_error = _text("The error code that most of them had")


class UploadErrorsSchema(Schema):
    """Failed uploads of all clients. Denied ones are not counted."""

    period_days = _integer("Length of the period in days of UTC, today included")
    total_errors = _integer("Uploads that failed")
    error_rate = _number("Per cent of uploads attempted that failed")
    error_types = _counts("Failed uploads by error code, the most first")
    error_trend = _group(DayOfErrorsSchema, "By day and error code, oldest first", many=True)
    top_error_sources = _group(ErrorSourceSchema, "The ten clients with the most errors", many=True)


class ExpectSchema(Schema):
    """The longest pause that is expected between a client's uploads."""

    expected_within = DurationField(
        required=True,
        metadata={"type": "string", "example": "1d", "description": "Longest pause between uploads"},
    )


class ExpectationSchema(Schema):
    """A client that is expected to upload every so often."""

    client_ip = _text("Its address")
    expected_within = _integer("Longest pause between uploads, seconds")
    declared_at = TimeField(attribute="declared_us", metadata={"type": "string", "format": "date-time"})
    last_upload_at = TimeField(
        attribute="last_upload_us",
        allow_none=True,
        metadata={"type": "string", "format": "date-time"},
    )
    seconds_since_upload = _integer("Seconds since its last successful upload, or since it was declared")
    is_overdue = fields.Boolean(metadata={"description": "Whether that is longer than expected"})


class ExpectationListSchema(Schema):
    """All declared clients, by address; at most 50."""

    clients = _group(ExpectationSchema, "Declared clients", many=True)


class ClientUseSchema(Schema):
    """The use by one client in the period."""

    client_ip = _text("Its address")
    count = _integer("Operations of every kind and outcome")
    bytes = _integer("Bytes of the files that it sent or was sent, successful transfers only")
    errors = _integer("Operations that failed")


class ClientPageSchema(Schema):
    """Clients ranked, the most first."""

    clients = _group(ClientUseSchema, "This page of the ranking", many=True)
    total = _integer("Clients seen in the period")
    page = _integer("Number of this page")
    size = _integer("Clients on a page")
    pages = _integer("Number of pages")
    period_days = _integer("Length of the period in days of UTC, today included")
    order = _text("What the ranking is by: count, bytes or errors")
