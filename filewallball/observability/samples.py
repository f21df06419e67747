"""Read samples from another program's answer to a scrape."""

from prometheus_client.parser import text_string_to_metric_families


def total(text: str, name: str, **labels: str) -> float:
    """The sum of all samples of a name that have these labels; 0 for none. Raises ValueError for other text."""
    wanted = labels.items()
    try:
        families = list(text_string_to_metric_families(text))
    except IndexError as error:  # what the parser makes of some text
        raise ValueError("not the text of a scrape") from error
    samples = (sample for family in families for sample in family.samples)
    return sum(sample.value for sample in samples if sample.name == name and wanted <= sample.labels.items())
