"""The row of objectives: error budgets and bad events, from the series that Prometheus records."""

from filewallball.ops.dashboards.dashboard import Row
from filewallball.ops.dashboards.panels import Look, of_service, stat, timeseries
from filewallball.ops.objectives import ALL, BAD, BUDGET


def _budget(slo: str) -> str:
    return f'100 * min({BUDGET}{{slo="{slo}",@}})'


OBJECTIVES = Row(
    "Objectives",
    (
        stat(
            "Budget of availability",
            of_service(_budget("availability")),
            about="What is left of the error budget of 30 days: operations that failed by the service's fault, beside "
            "what SLO_AVAILABILITY allows. Below zero the objective is missed.",
            look=Look("percent", yellow=25, red=0, low_is_bad=True, decimals=1, absent="no traffic"),
            runbook="availabilityburns",
            width=6,
        ),
        stat(
            "Budget of uploads in time",
            of_service(_budget("upload_commit")),
            about="The same for uploads stored within SLO_UPLOAD_WITHIN of their last byte, by SLO_UPLOAD_COMMIT.",
            look=Look("percent", yellow=25, red=0, low_is_bad=True, decimals=1, absent="no traffic"),
            runbook="uploadcommitburns",
            width=6,
        ),
        timeseries(
            "Bad events",
            of_service(
                f"100 * sum by (slo) (avg_over_time({BAD}{{@}}[1h]))"
                f" / (sum by (slo) (avg_over_time({ALL}{{@}}[1h])) > 0)",
                "{{slo}}",
            ),
            about="Share of the last hour's events that were not as promised, by objective.",
            look=Look("percent", decimals=2),
            runbook="availabilityburnsfast",
        ),
    ),
)
