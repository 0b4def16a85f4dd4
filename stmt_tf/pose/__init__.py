"""Poses: the skeleton, its heatmaps and parts, estimation, tracking, retargeting and selection."""
