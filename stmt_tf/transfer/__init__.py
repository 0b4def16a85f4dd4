"""Transfer: the person of one video in the motion of another."""
