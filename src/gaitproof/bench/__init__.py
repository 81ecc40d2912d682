"""The figures of docs/results/benchmarks.md."""
