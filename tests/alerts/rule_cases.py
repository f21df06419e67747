"""For each alert a history in which it fires and resolves, and one in which it stays silent, in promtool's words."""

from tests.alerts.detail_cases import DETAILS
from tests.alerts.objective_cases import OBJECTIVES
from tests.alerts.rule_case import AT, HEALTH_UP, UP, Case

CASES = (
    Case(
        "HighErrorRate",
        # 6 errors a minute are 0.1 a second.
        {f'errors_total{{error_type="storage_full",endpoint="/upload",{AT}}}': "0+6x20 120x60"},
        pending="4m",
        fires="15m",
        resolved="30m",
        silent={f'errors_total{{error_type="storage_full",endpoint="/upload",{AT}}}': "0+3x180"},
    ),
    Case(
        "StorageFull",
        {f"storage_utilization_percent{{{AT}}}": "80x5 91x10 85x20"},
        pending="3m30s",
        fires="5m",
        resolved="10m",
        silent={f"storage_utilization_percent{{{AT}}}": "90x180"},
        interval="30s",
    ),
    Case(
        "ServiceDown",
        {UP: "1x8 0x20 1x60", HEALTH_UP: "1x8 0x20 1x60"},
        pending="2m30s",
        fires="3m",
        resolved="10m",
        silent={UP: "1x30 0 1x60", HEALTH_UP: "1x90"},
        interval="15s",
        until="20m",
        count=2,
    ),
    Case(
        "HighResponseTime",
        {
            f'file_upload_duration_seconds_bucket{{file_type="text/plain",le="5",{AT}}}': "0x60",
            f'file_upload_duration_seconds_bucket{{file_type="text/plain",le="10",{AT}}}': "0+9x20 180x60",
            f'file_upload_duration_seconds_bucket{{file_type="text/plain",le="+Inf",{AT}}}': "0+9x20 180x60",
        },
        pending="4m",
        fires="12m",
        resolved="30m",
        silent={
            f'file_upload_duration_seconds_bucket{{file_type="text/plain",le="5",{AT}}}': "0+9x180",
            f'file_upload_duration_seconds_bucket{{file_type="text/plain",le="10",{AT}}}': "0+9x180",
            f'file_upload_duration_seconds_bucket{{file_type="text/plain",le="+Inf",{AT}}}': "0+9x180",
        },
    ),
    Case(
        "ErrorPercentageHigh",
        {
            # The refusals do not hide it.
            f'errors_total{{error_type="unavailable",endpoint="/upload",{AT}}}': "0+1x20 20x60",
            f'operations_total{{action="file:upload",status="denied",{AT}}}': "0+500x80",
            f'operations_total{{action="file:upload",status="success",{AT}}}': "0+15x80",
        },
        pending="4m",
        fires="12m",
        resolved="30m",
        silent={
            f'errors_total{{error_type="unavailable",endpoint="/upload",{AT}}}': "0+1x180",
            f'operations_total{{action="file:upload",status="success",{AT}}}': "0+19x180",
        },
    ),
    Case(
        "StorageUtilizationHigh",
        {f"storage_utilization_percent{{{AT}}}": "80x5 91x10 85x20"},
        pending="3m30s",
        fires="5m",
        resolved="10m",
        silent={f"storage_utilization_percent{{{AT}}}": "90x180"},
        interval="30s",
    ),
    Case(
        "HealthCheckFailed",
        {UP: "1x200", HEALTH_UP: "1x8 0x20 1x60"},
        pending="2m30s",
        fires="3m",
        resolved="10m",
        # A service that is gone altogether is ServiceDown's business.
        silent={UP: "1x8 0x100", HEALTH_UP: "1x8 0x100"},
        interval="15s",
        until="20m",
    ),
    Case(
        "FailedAuthentications",
        {f'authentication_failures_total{{failure_type="unknown",{AT}}}': "0+4x20 80x60"},
        pending="4m",
        fires="12m",
        resolved="30m",
        silent={
            f'authentication_failures_total{{failure_type="unknown",{AT}}}': "0+1x180",
            f'authentication_failures_total{{failure_type="missing",{AT}}}': "0+100x180",
            f'authentication_failures_total{{failure_type="forbidden",{AT}}}': "0+100x180",
        },
    ),
    *OBJECTIVES,
    *DETAILS,
)
