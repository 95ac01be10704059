#!/usr/bin/env python3
"""The page that Prometheus reads of a running hub, read by Prometheus' own parser. Exit code 0 only if it is as it should be.

    python3 metrics.py ENDPOINT API_KEY SECRET...

None of the secrets may be in it.
"""

import sys
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

endpoint, api_key, *secrets = sys.argv[1:]
request = urllib.request.Request(f"{endpoint}/metrics", headers={"Authorization": f"Bearer {api_key}"})
with urllib.request.urlopen(request, timeout=30) as response:
    content_type, page = response.headers["Content-Type"], response.read().decode()


def holds(truth, what):
    if not truth:
        sys.exit(f"not so: {what}\n{page}")


holds(content_type == "text/plain; version=0.0.4; charset=utf-8", f"the content type is right: {content_type}")
families = list(text_string_to_metric_families(page))
names = [family.name for family in families]
holds(len(set(names)) == len(names), "each family stands in one place")
samples = [sample for family in families for sample in family.samples]
keys = [(sample.name, tuple(sorted(sample.labels.items()))) for sample in samples]
holds(len(set(keys)) == len(keys), "no sample is there twice")
for family in families:
    holds(family.documentation.endswith("."), f"{family.name} says what it is")
    holds(family.type in ("gauge", "counter", "histogram"), f"{family.name} is of a kind")
    holds(family.name.startswith("keyway_"), f"{family.name} is ours")
for family in (family for family in families if family.type == "histogram"):
    spreads = {}
    for sample in family.samples:
        labels = {name: value for name, value in sample.labels.items() if name != "le"}
        spreads.setdefault(tuple(sorted(labels.items())), []).append(sample)
    holds(spreads, f"{family.name} has something in it")
    for spread in spreads.values():
        buckets = [(float(sample.labels["le"]), sample.value) for sample in spread if sample.name.endswith("_bucket")]
        counts = [sample.value for sample in spread if sample.name.endswith("_count")]
        holds(buckets == sorted(buckets), f"the buckets of {family.name} grow")
        holds([buckets[-1]] == [(float("inf"), count) for count in counts], f"all of {family.name} are counted")
# The parser knows counters by their names without the ending.
for name in (
    "keyway_build_info keyway_clock_trusted keyway_access_grants keyway_events keyway_stick_ready "
    "keyway_radio_frames_sent keyway_radio_frames_received keyway_radio_frames_repeated keyway_radio_frames_unanswered "
    "keyway_code_write_duration_seconds keyway_code_delay_seconds keyway_lock_online keyway_lock_codes_due "
    "keyway_lock_oldest_due_seconds keyway_lock_codes keyway_lock_last_seen_timestamp_seconds keyway_lock_battery_low"
).split():
    holds(next((family.samples for family in families if family.name == name), None), f"{name} is told")
for secret in secrets:
    holds(secret not in page, "no secret is told")
print(f"{len(families)} families, {len(samples)} samples")
