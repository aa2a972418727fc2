"""The museum of faulty implementations, judged by what else a team might use in this suite's place."""
