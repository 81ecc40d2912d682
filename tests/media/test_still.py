import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from gaitproof.config import MediaLimits
from gaitproof.errors import MediaError
from gaitproof.media.decode import read_still

RED = np.zeros((40, 60, 3), np.uint8) + np.array([200, 30, 10], np.uint8)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".webp", ".txt"])
def test_red_stays_red_in_every_format_whatever_the_name(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    _, data = cv2.imencode(".png" if suffix == ".txt" else suffix, RED[..., ::-1])
    path.write_bytes(data)
    read = read_still(path)
    assert read.shape == RED.shape
    assert np.abs(read.astype(int) - RED).max() < 12


def test_turned_grey_deep_and_transparent_pictures(tmp_path):
    marked = RED.copy()
    marked[:10] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera lay on its side
    Image.fromarray(marked).save(tmp_path / "turned.jpg", exif=exif, quality=95)
    turned = read_still(tmp_path / "turned.jpg")
    assert turned.shape == (60, 40, 3)
    assert turned[:, -8:].min() > 200
    cv2.imwrite(str(tmp_path / "deep.png"), np.full((40, 60), 40000, np.uint16))
    assert (read_still(tmp_path / "deep.png") == 40000 // 256).all()
    cv2.imwrite(str(tmp_path / "clear.png"), np.full((40, 60, 4), (1, 2, 3, 0), np.uint8))
    assert (read_still(tmp_path / "clear.png") == (3, 2, 1)).all()


def bomb(width, height):
    """Return a PNG that says it is large, and its first rows."""

    def chunk(kind, body):
        check = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + check

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows)


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"", "no image that can be read"),
        (b"no frame", "no image that can be read"),
        (b"GIF89a" + bytes(50), "no image that can be read"),
        (bomb(30000, 30000), "too large|no image"),
        (bomb(8000, 8000), "too large"),
        (bomb(64, 64)[:30], "damaged|no image"),
    ],
)
def test_hostile_files(tmp_path, data, match):
    path = tmp_path / "a.png"
    path.write_bytes(data)
    with pytest.raises(MediaError, match=match):
        read_still(path)


def test_limits_and_missing_files(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), RED)
    with pytest.raises(MediaError, match="60x40"):
        read_still(tmp_path / "a.png", MediaLimits(max_pixels=2399))
    assert read_still(tmp_path / "a.png", MediaLimits(max_pixels=2400)).shape == RED.shape
    with pytest.raises(MediaError, match=r"too large.*at most 20 bytes"):
        read_still(tmp_path / "a.png", MediaLimits(max_bytes=20))
    with pytest.raises(MediaError, match="does not exist"):
        read_still(tmp_path / "none.png")
