"""The oracle's second half: what the model permits against what was observed, up to the verdict of a run.

For a first reading, in this order: `judge` (one step), `observability` (what can be compared), `ambiguity` (requests
without a response), `incidental` (what is noted beside), `tracker` (one order, step by step); then `verdicts`,
`rule_verdicts` and `run_verdicts`. `http_layer` judges the requests of the fuzzer.
"""
