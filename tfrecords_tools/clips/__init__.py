"""One video to clips: its poses and background surveyed, cut into parts, judged, encoded."""
