"""A pinhole camera over a flat world (metres; x right, y away, z up) and a canvas that draws through it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Colour = tuple[float, float, float]
"""B, G, R, 0..255."""

SHIFT = 4
"""Fractional bits of OpenCV drawing coordinates."""


def unit(vector: Array) -> Array:
    """The vector scaled to length 1."""
    return vector / np.linalg.norm(vector)


@dataclass(frozen=True)
class Camera:
    """Position and orientation of the camera; ``focal`` and sizes in pixels, angles in radians."""

    position: tuple[float, float, float]
    target: tuple[float, float, float]
    focal: float
    width: int
    height: int
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0

    def rotation(self) -> Array:
        """(3, 3), rows are the image's right, down and forward directions in the world."""
        forward = unit(np.subtract(self.target, self.position).astype(float))
        right = unit(np.cross(forward, (0.0, 0.0, 1.0)))
        base = np.stack([right, np.cross(forward, right), forward])
        (cy, sy), (cp, sp), (cr, sr) = ((math.cos(a), math.sin(a)) for a in (self.yaw, self.pitch, self.roll))
        turn = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
        tilt = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
        lean = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
        result: Array = lean @ tilt @ turn @ base
        return result

    def intrinsics(self, scale: float = 1.0) -> Array:
        """(3, 3) camera matrix for an image scaled by ``scale``."""
        f = self.focal * scale
        return np.array([[f, 0, self.width * scale / 2], [0, f, self.height * scale / 2], [0, 0, 1.0]])

    def ground_homography(self, scale: float) -> Array:
        """(3, 3) from world (x, y, 1) on the ground to pixels of the scaled image."""
        rotation = self.rotation()
        offset = -rotation @ np.asarray(self.position)
        return self.intrinsics(scale) @ np.stack([rotation[:, 0], rotation[:, 1], offset], axis=1)


class Canvas:
    """An image painted from far to near, and a buffer with the id of the object at each pixel."""

    def __init__(self, camera: Camera, image: NDArray[np.uint8], scale: float) -> None:
        self.camera = camera
        self.image = image
        self.scale = scale
        self.object_ids = np.zeros((camera.height, camera.width), np.int32)
        self.object_id = 0
        self._rotation = camera.rotation()
        self._position = np.asarray(camera.position)
        self._drawn_points: list[Array] = []

    def begin(self, object_id: int) -> None:
        """Start drawing an object; id 0 for one that only hides others."""
        self.object_id = object_id
        self._drawn_points = []

    def extent(self) -> tuple[float, float, float, float] | None:
        """x1, y1, x2, y2 in pixels of the unscaled image, around everything drawn since ``begin``."""
        if not self._drawn_points:
            return None
        points = np.concatenate(self._drawn_points) / self.scale
        x1, y1 = points.min(axis=0)
        x2, y2 = points.max(axis=0)
        return float(x1), float(y1), float(x2), float(y2)

    def project(self, points: Array) -> tuple[Array, Array]:
        """(N, 3) metres to (N, 2) pixels of the scaled image and (N,) depth in metres."""
        seen = (np.atleast_2d(points) - self._position) @ self._rotation.T
        depth = np.maximum(seen[:, 2], 0.1)
        f = self.camera.focal * self.scale
        centre = np.array([self.camera.width, self.camera.height]) * self.scale / 2
        return seen[:, :2] * f / depth[:, None] + centre, depth

    def faces_camera(self, points: Array) -> bool:
        """Whether the outside of a flat face (counter-clockwise seen from outside) is visible."""
        (ax, ay, az), (bx, by, bz) = (points[1] - points[0]).tolist(), (points[2] - points[0]).tolist()
        x, y, z = (self._position - points[0]).tolist()
        return bool((ay * bz - az * by) * x + (az * bx - ax * bz) * y + (ax * by - ay * bx) * z > 0)

    def polygon(self, points: Array, colour: Colour) -> None:
        """Fill a convex polygon, (N, 3) metres."""
        pixels, _ = self.project(points)
        self._fill(pixels, colour)

    def line(self, start: Array, end: Array, radius: float, colour: Colour, end_radius: float | None = None) -> None:
        """A round bar from ``start`` to ``end``; radii in metres."""
        pixels, depth = self.project(np.stack([start, end]))
        f = self.camera.focal * self.scale
        r0 = max(radius * f / depth[0], 0.5)
        r1 = max((radius if end_radius is None else end_radius) * f / depth[1], 0.5)
        along = pixels[1] - pixels[0]
        length = math.hypot(*along)
        if length > 1e-6:
            side = np.array([-along[1], along[0]]) / length
            self._fill(
                np.stack([pixels[0] + side * r0, pixels[1] + side * r1, pixels[1] - side * r1, pixels[0] - side * r0]),
                colour,
            )
        for centre, r in ((pixels[0], r0), (pixels[1], r1)):
            self._circle(centre, r, colour)

    def disc(self, centre: Array, radius: float, colour: Colour) -> None:
        """A ball of ``radius`` metres."""
        pixels, depth = self.project(centre)
        self._circle(pixels[0], max(radius * self.camera.focal * self.scale / depth[0], 0.5), colour)

    def discs(self, centres: Array, radii: Array, colours: Array) -> None:
        """Balls in drawing order: (N, 3) and (N,) metres, (N, 3) colours."""
        pixels, depth = self.project(centres)
        sizes = np.maximum(radii * self.camera.focal * self.scale / depth, 0.5)
        for centre, size, colour in zip(pixels, sizes.tolist(), colours.tolist(), strict=True):
            self._circle(centre, size, colour)

    def _fill(self, pixels: Array, colour: Colour) -> None:
        self._drawn_points.append(pixels)
        fixed = np.round((pixels - 0.5) * (1 << SHIFT)).astype(np.int32)
        cv2.fillConvexPoly(self.image, fixed, colour, cv2.LINE_AA, SHIFT)
        small = np.round((pixels / self.scale - 0.5) * (1 << SHIFT)).astype(np.int32)
        cv2.fillConvexPoly(self.object_ids, small, self.object_id, cv2.LINE_8, SHIFT)

    def _circle(self, centre: Array, radius: float, colour: Colour) -> None:
        self._drawn_points.append(np.stack([centre - radius, centre + radius]))
        x, y = (round(v) for v in (centre - 0.5) * (1 << SHIFT))
        cv2.circle(self.image, (x, y), round(radius * (1 << SHIFT)), colour, -1, cv2.LINE_AA, SHIFT)
        x, y = (round(v) for v in (centre / self.scale - 0.5) * (1 << SHIFT))
        cv2.circle(
            self.object_ids, (x, y), round(radius / self.scale * (1 << SHIFT)), self.object_id, -1, cv2.LINE_8, SHIFT
        )
