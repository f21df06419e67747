"""The metric contract: every metric once, with its labels and how many series it can ever become."""

from filewallball.observability.counted_metrics import COUNTED
from filewallball.observability.state_metrics import STATE

CONTRACT = (*COUNTED, *STATE)
BY_NAME = {metric.name: metric for metric in CONTRACT}
