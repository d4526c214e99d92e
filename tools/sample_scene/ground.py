"""Textures of the street surface, the house facades and the static shadows."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from sample_scene.camera import Array

X0, X1, Y0, Y1 = -34.0, 58.0, -24.0, 24.0
"""Extent of the drawn world, metres."""
DENSITY = 24
"""Texture pixels per metre."""
FACADE_DENSITY = 20
"""Texture pixels per metre of the facades."""
CURB_NEAR, CURB_FAR, FACADE_Y = 2.0, 15.5, 19.5
LANES = ((4.0, 1), (7.2, 1), (10.4, -1))
"""Centre of each lane (y) and its direction."""
PARKING = 13.9
CROSSING = 9.0
"""x of the pedestrian crossing."""
CROSSING_HALF = 1.9
TO_SUN = np.array([-0.72, 0.30, 0.62]) / np.linalg.norm([-0.72, 0.30, 0.62])


def noise(rng: np.random.Generator, shape: tuple[int, int], cell: int, octaves: int = 4) -> Array:
    """Smooth random field of ``shape`` in about -1..1; ``cell`` is the size of its largest features in pixels."""
    total = np.zeros(shape)
    weight = 1.0
    for _ in range(octaves):
        small = rng.standard_normal((shape[0] // cell + 3, shape[1] // cell + 3)).astype(np.float32)
        total += weight * cv2.resize(small, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
        weight *= 0.55
        cell = max(1, cell // 2)
    return total / 2.0


def to_texture(x: float, y: float) -> tuple[int, int]:
    """Column and row of a world point in the texture."""
    return round((x - X0) * DENSITY), round((y - Y0) * DENSITY)


def world_to_texture() -> Array:
    """(3, 3) from world (x, y, 1) to texture pixels."""
    return np.array([[DENSITY, 0, -X0 * DENSITY], [0, DENSITY, -Y0 * DENSITY], [0, 0, 1.0]])


@dataclass(frozen=True)
class Ground:
    """Textures of one scene: ``colour`` (H, W, 3) uint8 and ``shadow`` (H, W) uint8, 255 = in full shadow."""

    colour: NDArray[np.uint8]
    shadow: NDArray[np.uint8]

    def sunlight(self, x: float, y: float) -> float:
        """Share of sunlight that reaches an object at (x, y)."""
        column, row = to_texture(x, y)
        r = DENSITY // 3
        patch = self.shadow[max(0, row - r) : row + r, max(0, column - r) : column + r]
        return 1.0 if patch.size == 0 else 1.0 - float(patch.mean()) / 255


def _rows(y0: float, y1: float) -> slice:
    return slice(to_texture(X0, y0)[1], to_texture(X0, y1)[1])


def _asphalt(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    base = 92 + 9 * noise(rng, shape, 200) + 5 * noise(rng, shape, 24) + 9 * rng.standard_normal(shape)
    tint = noise(rng, shape, 300, 2)[..., None] * np.array([2.0, 0.0, -2.0])
    return base[..., None] + tint + np.array([2.0, 0.0, -1.0])


def _paving(rng: np.random.Generator, shape: tuple[int, int], tile: int, colour: tuple[float, float, float]) -> Array:
    rows, columns = shape[0] // tile + 2, shape[1] // (2 * tile) + 2
    tints = rng.normal(0, 7, (rows, columns))
    yy, xx = np.mgrid[: shape[0], : shape[1]]
    row = yy // tile
    shifted = xx + (row % 2) * tile
    column = np.minimum(shifted // (2 * tile), columns - 1)
    value = tints[row, column] + 8 * noise(rng, shape, 220) + 4 * rng.standard_normal(shape)
    joint = (yy % tile == 0) | (shifted % (2 * tile) == 0)
    value -= np.where(joint, 26, 0)
    return np.asarray(colour) + value[..., None]


def _paint(image: Array, wear: Array, x0: float, y0: float, x1: float, y1: float) -> None:
    (c0, r0), (c1, r1) = to_texture(x0, y0), to_texture(x1, y1)
    strength = np.clip(0.92 - 0.9 * np.maximum(wear[r0:r1, c0:c1], 0), 0.12, 0.92)[..., None]
    image[r0:r1, c0:c1] = image[r0:r1, c0:c1] * (1 - strength) + np.array([205, 212, 214]) * strength


def _markings(image: Array, rng: np.random.Generator) -> None:
    wear = noise(rng, image.shape[:2], 60) + 0.5 * rng.standard_normal(image.shape[:2])
    for x in np.arange(X0, X1 - 3, 6.0):
        if abs(x + 1.2 - CROSSING) > CROSSING_HALF + 3:
            _paint(image, wear, x, 5.53, x + 2.6, 5.67)
    for x in np.arange(X0, X1 - 6, 5.5):
        _paint(image, wear, x, 12.45, x + 0.12, 15.2)
    for side in (8.72, 8.92):
        _paint(image, wear, X0, side, CROSSING - CROSSING_HALF - 2, side + 0.1)
        _paint(image, wear, CROSSING + CROSSING_HALF + 2, side, X1, side + 0.1)
    for y in np.arange(CURB_NEAR + 0.4, CURB_FAR - 0.6, 1.05):
        _paint(image, wear, CROSSING - CROSSING_HALF, y, CROSSING + CROSSING_HALF, y + 0.55)
    _paint(image, wear, CROSSING - CROSSING_HALF - 1.6, CURB_NEAR + 0.3, CROSSING - CROSSING_HALF - 1.2, 8.6)
    _paint(image, wear, CROSSING + CROSSING_HALF + 1.2, 9.1, CROSSING + CROSSING_HALF + 1.6, 12.2)


def _wear(image: Array, rng: np.random.Generator) -> None:
    """Tyre tracks, tar patches, cracks, oil, manholes."""
    shape = image.shape[:2]
    overlay = np.zeros(shape, np.float32)
    for y, _ in LANES:
        for side in (-0.8, 0.8):
            overlay[_rows(y + side - 0.28, y + side + 0.28)] -= 7
        overlay[_rows(y - 0.3, y + 0.3)] -= 5
    overlay = cv2.GaussianBlur(overlay, (0, 0), 6)
    for _ in range(9):
        c, r = to_texture(rng.uniform(X0, X1), rng.uniform(CURB_NEAR + 1, CURB_FAR - 1))
        w, h = rng.integers(20, 130), rng.integers(14, 60)
        overlay[r : r + h, c : c + w] += rng.choice([-16, -11, 8])
    for _ in range(14):
        x, y = rng.uniform(X0, X1), rng.uniform(CURB_NEAR, CURB_FAR)
        turn = rng.uniform(0, 6.3)
        points = [to_texture(x, y)]
        for _ in range(14):
            turn += rng.normal(0, 0.5)
            x, y = x + 0.35 * np.cos(turn), min(max(y + 0.35 * np.sin(turn), CURB_NEAR), CURB_FAR)
            points.append(to_texture(x, y))
        cv2.polylines(overlay, [np.array(points, np.int32)], False, -34, 2, cv2.LINE_AA)
    for _ in range(26):
        c, r = to_texture(rng.uniform(X0, X1), rng.uniform(CURB_NEAR, CURB_FAR))
        axes = (int(rng.integers(5, 22)), int(rng.integers(4, 12)))
        cv2.ellipse(
            overlay,
            (c, r),
            axes,
            0,
            0,
            360,
            float(overlay[min(r, shape[0] - 1), min(c, shape[1] - 1)]) - 9,
            -1,
            cv2.LINE_AA,
        )
    image += overlay[..., None]
    for _ in range(5):
        c, r = to_texture(rng.uniform(X0, X1), rng.uniform(CURB_NEAR + 1, CURB_FAR - 1))
        cv2.circle(image, (c, r), 9, (58, 60, 62), -1, cv2.LINE_AA)
        cv2.circle(image, (c, r), 9, (104, 106, 108), 1, cv2.LINE_AA)
        cv2.line(image, (c - 6, r), (c + 6, r), (84, 86, 88), 1, cv2.LINE_AA)


def surface(rng: np.random.Generator) -> Array:
    """(H, W, 3) float64, B, G, R: plaza, road and far pavement."""
    shape = (round((Y1 - Y0) * DENSITY), round((X1 - X0) * DENSITY))
    image = np.zeros((*shape, 3))
    road, near, distance_to = _rows(CURB_NEAR, CURB_FAR), _rows(Y0, CURB_NEAR), _rows(CURB_FAR, Y1)
    warm = rng.uniform(-8, 8)
    image[road] = _asphalt(rng, (road.stop - road.start, shape[1]))
    image[near] = _paving(rng, (near.stop - near.start, shape[1]), 11, (128 - warm, 138, 146 + warm))
    image[distance_to] = _paving(rng, (distance_to.stop - distance_to.start, shape[1]), 18, (136, 140, 143))
    _wear(image, rng)
    _markings(image, rng)
    for curb, gutter in ((CURB_NEAR, 1), (CURB_FAR, -1)):
        stone = _rows(min(curb, curb - 0.32 * gutter), max(curb, curb - 0.32 * gutter))
        image[stone] = 158 + 8 * rng.standard_normal((*image[stone].shape[:2], 1))
        image[stone, :: DENSITY * 2] -= 40
        image[_rows(min(curb, curb + 0.3 * gutter), max(curb, curb + 0.3 * gutter))] *= 0.72
    band = _rows(-2.6, -2.0)
    image[band] = image[band] * 0.62
    for _ in range(260):  # leaves and litter
        c, r = to_texture(rng.uniform(X0, X1), rng.normal(0.5, 2.0))
        colour = [(40, 92, 120), (38, 70, 96), (60, 110, 100)][int(rng.integers(3))]
        cv2.circle(image, (c, r), int(rng.integers(1, 3)), colour, -1, cv2.LINE_AA)
    return image


def static_shadow(shadow_casters: list[tuple[Array, Array]]) -> NDArray[np.uint8]:
    """(H, W) uint8, shadows of the houses and of static balls (centres, radii)."""
    shape = (round((Y1 - Y0) * DENSITY), round((X1 - X0) * DENSITY))
    mask = np.zeros(shape, np.uint8)
    reach = FACADE_Y - 17.0 * TO_SUN[1] / TO_SUN[2] * 0.45
    mask[_rows(reach, Y1)] = 255
    for centres, radii in shadow_casters:
        shadow_points = centres[:, :2] - TO_SUN[:2] * (centres[:, 2:] / TO_SUN[2])
        for (x, y), r in zip(shadow_points, radii, strict=True):
            c, row = to_texture(x, y)
            cv2.ellipse(
                mask, (c, row), (round(r * DENSITY * 1.25), round(r * DENSITY)), 0, 0, 360, 255, -1, cv2.LINE_AA
            )
    return cv2.GaussianBlur(mask, (0, 0), 3.0)


def facade(rng: np.random.Generator, width: float, height: float) -> NDArray[np.uint8]:
    """A house facade, ``FACADE_DENSITY`` pixels per metre, row 0 at the roof."""
    scale = FACADE_DENSITY
    w, h = round(width * scale), round(height * scale)
    palette = [(120, 146, 168), (96, 112, 150), (150, 158, 160), (112, 132, 142), (88, 104, 118), (140, 150, 172)]
    wall = np.asarray(palette[int(rng.integers(len(palette)))], float) * rng.uniform(0.8, 1.05)
    image = wall + 7 * noise(rng, (h, w), 90)[..., None] + 3 * rng.standard_normal((h, w, 1))
    floor = 3.3 * scale
    shop = round(h - 1.15 * floor)
    bay = w / max(2, round(width / 2.6))
    for level in range(1, int(height / 3.3) + 1):
        top = h - 1.15 * floor - level * floor
        image[max(0, round(top + floor)) - 3 : max(3, round(top + floor)), :] *= 0.8
        for k in range(round(w / bay)):
            x0, x1 = round((k + 0.26) * bay), round((k + 0.74) * bay)
            y0, y1 = max(0, round(top + 0.22 * floor)), max(1, round(top + 0.80 * floor))
            glass = np.array([92, 78, 66]) * rng.uniform(0.5, 1.35)
            image[y0 - 3 if y0 > 3 else 0 : y1 + 4, x0 - 3 : x1 + 3] = wall * 1.18
            image[y0:y1, x0:x1] = glass + np.linspace(30, -8, y1 - y0)[:, None, None]
            image[y0:y1, (x0 + x1) // 2 - 1 : (x0 + x1) // 2 + 1] = wall * 1.1
    image[shop:] = wall * 0.62 + 4 * rng.standard_normal((h - shop, w, 1))
    step = w / max(1, round(width / 4.5))
    awning = np.asarray([(60, 60, 150), (70, 110, 60), (120, 80, 50), (60, 120, 160)][int(rng.integers(4))], float)
    for k in range(round(w / step)):
        x0, x1 = round((k + 0.07) * step), round((k + 0.93) * step)
        inside = np.linspace(40, 62, h - shop - 16)[:, None, None] * np.array([1.0, 0.97, 0.92])
        image[shop + 12 : h - 4, x0:x1] = inside
        for _ in range(7):  # displayed goods and reflections
            gx, gy = int(rng.integers(x0 + 2, x1 - 14)), int(rng.integers(h - 34, h - 16))
            image[gy : h - 8, gx : gx + int(rng.integers(5, 13))] = rng.uniform(50, 110) + rng.uniform(-16, 16, 3)
        glare = int(rng.integers(x0, x1 - 10))
        image[shop + 12 : h - 4, glare : glare + 8] += 26
        for j in range(1, 3):
            cut = x0 + (x1 - x0) * j // 3
            image[shop + 12 :, cut - 1 : cut + 2] = 70
        stripe = (np.arange(x1 - x0) // 9 % 2)[None, :, None]
        image[shop - 4 : shop + 20, x0:x1] = np.where(stripe == 0, awning, 190 if k % 2 else awning * 0.8)
        image[shop + 18 : shop + 22, x0:x1] *= 0.5
    return np.clip(image, 0, 255).astype(np.uint8)
