"""Measures of generated frames and videos."""
