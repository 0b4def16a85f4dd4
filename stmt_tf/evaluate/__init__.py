"""Evaluation of models, by pairs of clips."""
