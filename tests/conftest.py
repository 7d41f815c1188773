"""Settings of every test run: the same examples each time in continuous integration, fresh ones at a desk."""

import os

from hypothesis import HealthCheck, settings

# The machine may be busy: slowness is measured by benchmarks, never by a deadline per example.
settings.register_profile("desk", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("desk"), derandomize=True, database=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "desk")
