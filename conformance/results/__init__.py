"""A run's result as a function of its evidence, with the audits that guard it, waivers, and the merging of shards."""
