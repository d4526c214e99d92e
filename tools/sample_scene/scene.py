"""Renders a street scene as a camera on a mast would record it, with the boxes of visible objects."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from sample_scene import furniture, objects
from sample_scene.camera import Array, Camera, Canvas
from sample_scene.ground import (
    FACADE_DENSITY,
    FACADE_Y,
    TO_SUN,
    Ground,
    facade,
    noise,
    static_shadow,
    surface,
    world_to_texture,
)
from sample_scene.objects import CLASS_NAMES, PERSON
from sample_scene.traffic import Traffic, make_traffic

SUPERSAMPLE = 2.0
MIN_BOX_HEIGHT = 7.0
"""Boxes below this height in pixels are not labelled."""
HOUSE_HEIGHT, HOUSES_X = 17.0, -20.0
"""Height of the houses and x of the first one, metres."""
MIN_VISIBLE_SHARE = 0.25
"""Share of an object's pixels that must be visible for a label."""


@dataclass(frozen=True)
class LabelledObject:
    """A labelled object: track, index into ``CLASS_NAMES``, and x1, y1, x2, y2 in pixels."""

    track: int
    class_id: int
    box: tuple[float, float, float, float]


@dataclass
class Drawable:
    """Something to draw: its distance, track (0: not labelled), class index and drawing function."""

    distance: float
    track: int
    class_id: int
    draw: Callable[[Canvas], None]


class Scene:
    """One street at one time of day. All random values come from ``seed``."""

    def __init__(self, seed: int, *, seconds: float, width: int = 640, height: int = 360) -> None:
        rng = np.random.default_rng(seed)
        self.rng = rng
        self.size = (width, height)
        self.traffic: Traffic = make_traffic(rng, seconds, int(rng.integers(13, 20)), float(rng.uniform(0.9, 1.5)))
        self.trees = [
            furniture.make_tree(rng, float(x), -0.3) for x in np.array((-11.5, -2.5, 17.5)) + rng.uniform(-0.8, 0.8, 3)
        ]
        self.trees += [
            furniture.make_tree(rng, float(x), 17.0) for x in np.array((-6.0, 26.0)) + rng.uniform(-1.5, 1.5, 2)
        ]
        self.lamps = [(float(x), 0.9) for x in np.arange(-19.0, 40.0, 14.5) + rng.uniform(-2, 2)]
        self.stall = (float(rng.uniform(-9.5, -6.5)), -5.4)
        self.benches = [(float(x), -2.9) for x in rng.uniform(0, 14, 2)]
        self.planters = [(float(x), -1.2) for x in np.array((2.0, 5.5, 13.0)) + rng.uniform(-0.5, 0.5, 3)]
        shadow_casters = [(t.centres, t.radii) for t in self.trees]
        for x, y in self.lamps:
            heights = np.arange(0.0, 7.2, 0.1)
            shadow_casters.append(
                (
                    np.stack([np.full_like(heights, x), np.full_like(heights, y), heights], axis=1),
                    np.full(len(heights), 0.08),
                )
            )
        shadow_casters += [
            (np.array([[x + dx, y, z] for dx in np.arange(-1.3, 1.4, 0.4) for z in (0.4, 1.2, 2.0)]), np.full(21, 0.6))
            for x, y in [self.stall]
        ]
        self.ground = Ground(np.clip(surface(rng), 0, 255).astype(np.uint8), static_shadow(shadow_casters))
        self.houses = np.concatenate([facade(rng, float(rng.integers(9, 15)), HOUSE_HEIGHT) for _ in range(9)], axis=1)
        self.clouds = cv2.GaussianBlur(noise(rng, (360, 900), 160, 2).astype(np.float32), (0, 0), 12)
        self.warmth = np.array([0.95, 1.0, 1.045]) ** float(rng.uniform(0.3, 1.6))
        self.exposure = float(rng.uniform(1.04, 1.2))
        self.phases = rng.uniform(0, 6.28, 12)
        self.offset = rng.uniform(-1, 1, 3) * np.array([2.0, 1.5, 1.2])

    def camera(self, time: float) -> Camera:
        """The camera at a time in seconds: the mast sways, and the camera drifts slowly along the street."""
        p = self.phases
        gust = 1.0 + 1.6 * max(0.0, math.sin(0.55 * time + p[6])) ** 6
        yaw = gust * (0.0011 * math.sin(5.1 * time + p[0]) + 0.0007 * math.sin(13.7 * time + p[1])) + 0.004 * math.sin(
            0.31 * time + p[7]
        )
        pitch = gust * (0.0009 * math.sin(6.3 * time + p[2]) + 0.0007 * math.sin(17.9 * time + p[3]))
        roll = gust * (0.0012 * math.sin(3.7 * time + p[4]) + 0.0006 * math.sin(11.3 * time + p[5]))
        ox, oy, oz = self.offset
        position = (-9.0 + ox + 0.11 * time, -20.0 + oy, 13.2 + oz + 0.1 * math.sin(0.4 * time))
        width, height = self.size
        return Camera(position, (3.0 + ox + 0.09 * time, 5.6, 0.0), 1.08 * width, width, height, yaw, pitch, roll)

    def expose(
        self, time: float, *, shutter: float = 0.016, samples: int = 3
    ) -> tuple[NDArray[np.uint8], list[LabelledObject]]:
        """Image (height, width, 3) uint8, B, G, R, and the labelled objects at the middle of the exposure."""
        total = np.zeros((self.size[1], self.size[0], 3), np.float32)
        seen: list[LabelledObject] = []
        for k in range(samples):
            sample_time = time + shutter * (k - (samples - 1) / 2) / max(samples, 1)
            self.traffic.advance(sample_time)
            image, now = self._render(sample_time)
            total += cv2.resize(image, self.size, interpolation=cv2.INTER_AREA)
            if k == samples // 2:
                seen = now
        return self._apply_sensor(total / samples, time), seen

    def _render(self, time: float) -> tuple[NDArray[np.uint8], list[LabelledObject]]:
        camera = self.camera(time)
        items = self._items(time, camera)
        image = self._background(camera, time)
        canvas = Canvas(camera, image, SUPERSAMPLE)
        extents: dict[int, tuple[int, tuple[float, float, float, float]]] = {}
        unoccluded_counts: dict[int, int] = {}
        for item in sorted(items, key=lambda i: -i.distance):
            canvas.begin(item.track)
            before = canvas.object_ids
            if item.track:
                canvas.object_ids = np.zeros_like(before)
            item.draw(canvas)
            box = canvas.extent()
            if item.track and box is not None:
                own = canvas.object_ids == item.track
                before[own] = item.track
                canvas.object_ids = before
                unoccluded_counts[item.track] = int(own.sum())
                extents[item.track] = (item.class_id, box)
        return image, self._labels(canvas, extents, unoccluded_counts)

    def _labels(
        self,
        canvas: Canvas,
        extents: dict[int, tuple[int, tuple[float, float, float, float]]],
        unoccluded_counts: dict[int, int],
    ) -> list[LabelledObject]:
        width, height = self.size
        counts = np.bincount(canvas.object_ids.ravel(), minlength=max(extents, default=0) + 1)
        result = []
        for track, (class_id, (x1, y1, x2, y2)) in sorted(extents.items()):
            box = (max(x1, 0.0), max(y1, 0.0), min(x2, float(width)), min(y2, float(height)))
            if box[2] - box[0] < 3 or box[3] - box[1] < MIN_BOX_HEIGHT:
                continue
            inside = (box[2] - box[0]) * (box[3] - box[1]) / ((x2 - x1) * (y2 - y1))
            if inside > 0.3 and counts[track] >= MIN_VISIBLE_SHARE * max(unoccluded_counts[track], 1):
                result.append(LabelledObject(track, class_id, box))
        return result

    def _items(self, time: float, camera: Camera) -> list[Drawable]:
        position = np.asarray(camera.position)[:2]
        forward = camera.rotation()[2][:2]

        def distance_to(x: float, y: float) -> float:
            return float((np.array([x, y]) - position) @ forward)

        items: list[Drawable] = []
        vehicles = [(d.track, d.vehicle, *self.traffic.position(d)) for d in self.traffic.drivers] + self.traffic.parked
        for track, vehicle, x, y, heading in vehicles:
            if not -30 < x < 56:
                continue

            def draw(
                canvas: Canvas, v: objects.Vehicle = vehicle, x: float = x, y: float = y, h: float = heading
            ) -> None:
                local = objects.LocalSpace(canvas, x, y, h, self.ground.sunlight(x, y))
                (objects.draw_car if v.class_id == objects.CAR else objects.draw_truck)(local, v)

            items.append(Drawable(distance_to(x, y), track, vehicle.class_id, draw))
        for walker in self.traffic.walkers:
            x, y, heading, phase, moving = walker.state_at(time)

            def walk(
                canvas: Canvas,
                w: objects.Appearance = walker.appearance,
                x: float = x,
                y: float = y,
                h: float = heading,
                p: float = phase,
                m: bool = moving,
            ) -> None:
                objects.draw_person(canvas, w, (x, y), h, p, self.ground.sunlight(x, y), m)

            items.append(Drawable(distance_to(x, y), walker.track, PERSON, walk))
        items += [
            Drawable(distance_to(t.x, t.y), 0, -1, lambda c, t=t: furniture.draw_tree(c, t, time)) for t in self.trees
        ]
        items += [
            Drawable(distance_to(x, y), 0, -1, lambda c, x=x, y=y: furniture.draw_lamp(c, x, y)) for x, y in self.lamps
        ]
        items += [
            Drawable(
                distance_to(x, y), 0, -1, lambda c, x=x, y=y: furniture.draw_bench(c, x, y, self.ground.sunlight(x, y))
            )
            for x, y in self.benches
        ]
        items += [
            Drawable(distance_to(x, y), 0, -1, lambda c, x=x, y=y: furniture.draw_planter(c, x, y, 0.9))
            for x, y in self.planters
        ]
        x, y = self.stall
        items.append(Drawable(distance_to(x, y), 0, -1, lambda c: furniture.draw_stall(c, x, y, 1.0)))
        return [item for item in items if item.distance > 4]

    def _background(self, camera: Camera, time: float) -> NDArray[np.uint8]:
        size = (round(self.size[0] * SUPERSAMPLE), round(self.size[1] * SUPERSAMPLE))
        warp = camera.ground_homography(SUPERSAMPLE) @ np.linalg.inv(world_to_texture())
        image = cv2.warpPerspective(
            self.ground.colour, warp, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        shadow = cv2.warpPerspective(
            self.ground.shadow, warp, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        shadow = np.maximum(shadow, self._moving_shadow(camera, time, size))
        weight = shadow.astype(np.float32)[..., None] / 255 * np.array([0.42, 0.47, 0.52], np.float32)
        image = (image * (1 - weight)).astype(np.uint8)
        canvas = Canvas(camera, image, SUPERSAMPLE)
        h, w = self.houses.shape[:2]
        x0, x1 = HOUSES_X, HOUSES_X + w / FACADE_DENSITY
        corners, _ = canvas.project(
            np.array([[x0, FACADE_Y, HOUSE_HEIGHT], [x1, FACADE_Y, HOUSE_HEIGHT], [x1, FACADE_Y, 0], [x0, FACADE_Y, 0]])
        )
        source = np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float32)
        matrix = cv2.getPerspectiveTransform(source, corners.astype(np.float32))
        cv2.warpPerspective(
            self.houses, matrix, size, dst=image, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_TRANSPARENT
        )
        return image

    def _moving_shadow(self, camera: Camera, time: float, size: tuple[int, int]) -> NDArray[np.uint8]:
        mask = np.zeros((size[1] // 2, size[0] // 2), np.uint8)
        canvas = Canvas(camera, np.zeros((1, 1, 3), np.uint8), SUPERSAMPLE / 2)

        def cast_shadow(points: Array, strength: int = 255) -> None:
            shadow_points = points - TO_SUN * (points[:, 2:] / TO_SUN[2])
            shadow_points[:, 2] = 0
            pixels, _ = canvas.project(shadow_points)
            hull = cv2.convexHull(np.round(pixels * 16).astype(np.int32))
            cv2.fillConvexPoly(mask, hull, strength, cv2.LINE_AA, 4)

        vehicles = [(d.vehicle, *self.traffic.position(d)) for d in self.traffic.drivers] + [
            p[1:] for p in self.traffic.parked
        ]
        for v, x, y, heading in vehicles:
            if -30 < x < 56:
                local = objects.LocalSpace(canvas, x, y, heading, 1.0)
                a, b, low = v.length / 2, v.width / 2, 0.62 * v.height if v.class_id == objects.CAR else v.height
                body = [(sx * a, sy * b, z) for sx in (-1, 1) for sy in (-1, 1) for z in (0.05, low)]
                cast_shadow(local.world(body))
                cast_shadow(
                    local.world(
                        [
                            (sx * a * 0.55 - 0.2, sy * b * 0.85, z)
                            for sx in (-1, 1)
                            for sy in (-1, 1)
                            for z in (low, v.height)
                        ]
                    )
                )
        for walker in self.traffic.walkers:
            x, y, heading, phase, moving = walker.state_at(time)
            k = walker.appearance.height / 1.75
            side = 0.22 * k
            ring = [
                (x + dx, y + dy, z)
                for dx, dy in ((-side, 0), (side, 0), (0, side), (0, -side))
                for z in (0.8 * k, 1.45 * k)
            ]
            cast_shadow(np.array([*ring, (x, y, 1.72 * k)]))
            step = 0.3 * math.sin(phase) if moving else 0.08
            for s in (-1, 1):
                foot = (x + s * step * math.cos(heading), y + s * step * math.sin(heading))
                cast_shadow(
                    np.array(
                        [
                            (foot[0] - 0.07, foot[1], 0),
                            (foot[0] + 0.07, foot[1], 0),
                            (x - 0.09, y, 0.9 * k),
                            (x + 0.09, y, 0.9 * k),
                        ]
                    )
                )
        return cv2.resize(cv2.GaussianBlur(mask, (0, 0), 1.3), size, interpolation=cv2.INTER_LINEAR)

    def _apply_sensor(self, image: NDArray[np.float32], time: float) -> NDArray[np.uint8]:
        width, height = self.size
        rng = np.random.default_rng([round(time * 1000), int(self.phases[0] * 1e6)])
        shift = round(6 * time) % 200
        cloud = cv2.resize(self.clouds[:, shift : shift + 640], (width, height))
        light = image * np.clip(1 + 0.11 * cloud, 0.8, 1.12)[..., None] * self.exposure * self.warmth.astype(np.float32)
        yy, xx = np.mgrid[:height, :width].astype(np.float32)
        radius2 = ((xx - width / 2) ** 2 + (yy - height / 2) ** 2) / (width / 2) ** 2
        light *= (1 - 0.26 * radius2)[..., None]
        light += (14 * (1 - yy / height) ** 2)[..., None] * np.array([1.1, 1.0, 0.92], np.float32)  # distant haze
        light = 255 * (np.clip(light, 0, 255) / 255) ** 0.93
        light = cv2.GaussianBlur(light, (0, 0), 0.55)
        grain = rng.standard_normal((height, width, 1)) * 0.8 + rng.standard_normal((height, width, 3)) * 0.5
        light += grain.astype(np.float32) * (0.8 + 0.12 * np.sqrt(np.maximum(light, 0)))
        return np.clip(np.round(light), 0, 255).astype(np.uint8)


def frames(scene: Scene, count: int, fps: float) -> Iterator[tuple[NDArray[np.uint8], list[LabelledObject]]]:
    """``count`` frames from time 0 with their labelled objects."""
    for index in range(count):
        yield scene.expose(index / fps)


__all__ = ["CLASS_NAMES", "LabelledObject", "Scene", "frames"]
