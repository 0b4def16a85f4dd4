"""Video in and out: decoding, encoding with sound, optical flow.

Frames are uint8 RGB `[H, W, 3]`. Points are (x, y) in pixels, with pixel centres at integer
coordinates, x to the right and y down. Times are seconds from the start of the file.
"""
