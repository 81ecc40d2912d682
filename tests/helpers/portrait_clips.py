"""Clips made from portraits: moved, several, leaving the image."""

from pathlib import Path

import av
import cv2
import numpy as np

FACES = Path(__file__).resolve().parents[3] / "shared/data/faces"


def portraits(count, folder="london"):
    """Return `count` portraits, RGB."""
    files = sorted((FACES / folder).glob("*.jpg"))[:count]
    return [cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB) for file in files]


def place(placements, size=(1280, 720), background=(90, 110, 100)):
    """Paste portraits into an image: (portrait, x, y, width), may reach beyond its edge."""
    picture = np.empty((size[1], size[0], 3), np.uint8)
    picture[:] = background
    for portrait, x, y, width in placements:
        height = round(width * portrait.shape[0] / portrait.shape[1])
        small = cv2.resize(portrait, (width, height), interpolation=cv2.INTER_AREA)
        x0, y0, x1, y1 = max(0, x), max(0, y), min(size[0], x + width), min(size[1], y + height)
        if x1 > x0 and y1 > y0:
            picture[y0:y1, x0:x1] = small[y0 - y : y1 - y, x0 - x : x1 - x]
    return picture


def write_clip(path, pictures, rate=10, crf=18):
    """Write RGB images as H.264 and return the path."""
    with av.open(str(path), "w") as container:
        stream = None
        for picture in pictures:
            if stream is None:
                stream = container.add_stream("libx264", rate=rate, options={"crf": str(crf)})
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt = "yuv420p"
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
