"""Benchmarks: quality, speed and size, each against a reference in the same run."""
