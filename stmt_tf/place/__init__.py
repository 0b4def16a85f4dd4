"""The place that the result shows: the source without its person, or another one."""
