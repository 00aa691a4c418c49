"""What is measured of a city: people, coverage, access, indicators, plan, scenarios."""
