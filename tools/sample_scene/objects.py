"""Labelled objects of the street: vehicles and people."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from sample_scene.camera import Array, Canvas, Colour, unit
from sample_scene.ground import TO_SUN

CAR, TRUCK, PERSON = 0, 1, 2
CLASS_NAMES = ("car", "truck", "person")

PAINTS: tuple[Colour, ...] = (
    (48, 48, 50), (205, 206, 208), (168, 170, 172), (110, 112, 116), (52, 44, 158), (128, 74, 44),
    (70, 92, 58), (72, 128, 178), (36, 36, 92), (150, 132, 96), (225, 228, 230), (58, 60, 66),
)  # fmt: skip
SHIRTS: tuple[Colour, ...] = (
    (60, 52, 176), (150, 96, 44), (60, 60, 62), (206, 208, 210), (70, 130, 66), (58, 150, 206),
    (120, 60, 110), (140, 140, 96), (46, 78, 116), (178, 150, 120),
)  # fmt: skip
TROUSERS: tuple[Colour, ...] = ((92, 62, 46), (50, 48, 48), (70, 96, 116), (120, 122, 126), (40, 40, 66))
SKINS: tuple[Colour, ...] = ((132, 164, 206), (104, 138, 184), (70, 98, 140), (48, 70, 104))
HAIRS: tuple[Colour, ...] = ((26, 30, 36), (36, 52, 78), (58, 88, 120), (120, 124, 128), (22, 22, 24))


def shaded(colour: Colour, light: float) -> Colour:
    """The colour under ``light`` (1 = as painted); shadows get a blue tint from the sky."""
    b, g, r = colour
    cool = max(0.0, 1.0 - light) * 0.10
    return (min(255.0, b * (light + cool)), min(255.0, g * (light + cool / 2)), min(255.0, r * light))


def lambert(normal: Array, sunlight: float) -> float:
    """Light on a face: sky light from above plus direct sunlight."""
    sky = 0.46 + 0.14 * float(normal[2])
    return sky + 0.78 * sunlight * max(0.0, float(normal @ TO_SUN))


@dataclass(frozen=True)
class Vehicle:
    """A car or truck; sizes in metres."""

    class_id: int
    length: float
    width: float
    height: float
    paint: Colour
    shape: str

    @property
    def clearance(self) -> float:
        return 0.24 if self.class_id == CAR else 0.42


def make_vehicle(rng: np.random.Generator, class_id: int) -> Vehicle:
    """A vehicle with random size and paint."""
    paint = PAINTS[int(rng.integers(len(PAINTS)))]
    if class_id == CAR:
        shape = ("saloon", "hatch", "estate")[int(rng.integers(3))]
        length = {"saloon": 4.6, "hatch": 4.0, "estate": 4.7}[shape] + float(rng.uniform(-0.15, 0.2))
        return Vehicle(
            class_id,
            length,
            1.8 + float(rng.uniform(-0.05, 0.08)),
            1.44 + float(rng.uniform(-0.04, 0.22)),
            paint,
            shape,
        )
    shape = ("box", "box", "flatbed")[int(rng.integers(3))]
    return Vehicle(class_id, 7.2 + float(rng.uniform(-1, 1.2)), 2.3, 3.1 + float(rng.uniform(-0.3, 0.3)), paint, shape)


Polygon = list[tuple[float, float, float]]


class LocalSpace:
    """Draws solids in an object's local coordinates (x ahead, y left, z up), placed in the world."""

    def __init__(self, canvas: Canvas, x: float, y: float, heading: float, sunlight: float) -> None:
        self.canvas, self.sunlight = canvas, sunlight
        c, s = math.cos(heading), math.sin(heading)
        self._turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])
        self._position = np.array([x, y, 0.0])

    def world(self, points: Polygon | Array) -> Array:
        result: Array = np.asarray(points, float) @ self._turn.T + self._position
        return result

    def face(self, points: Polygon | Array, colour: Colour, gain: float = 1.0, flat: bool = False) -> bool:
        """Draw a face if its outside (counter-clockwise) is visible."""
        corners = self.world(points)
        if not self.canvas.faces_camera(corners):
            return False
        normal = unit(np.cross(corners[1] - corners[0], corners[2] - corners[0]))
        self.canvas.polygon(corners, shaded(colour, gain if flat else gain * lambert(normal, self.sunlight)))
        return True

    def inset(self, quad: Polygon, box: tuple[float, float, float, float], colour: Colour, gain: float = 1.0) -> None:
        """A patch of a quad face: ``box`` is u0, v0, u1, v1 in 0..1 along its first and second edge."""
        a, b, c, d = (np.asarray(p, float) for p in quad)
        u0, v0, u1, v1 = box

        def state_at(u: float, v: float) -> Array:
            result: Array = (a * (1 - u) + b * u) * (1 - v) + (d * (1 - u) + c * u) * v
            return result

        self.face(np.stack([state_at(u0, v0), state_at(u1, v0), state_at(u1, v1), state_at(u0, v1)]), colour, gain)

    def box(
        self, low: tuple[float, float, float], high: tuple[float, float, float], colour: Colour
    ) -> dict[str, Polygon]:
        """A box; returns its faces by name for insets."""
        (x0, y0, z0), (x1, y1, z1) = low, high
        faces: dict[str, Polygon] = {
            "front": [(x1, y0, z0), (x1, y1, z0), (x1, y1, z1), (x1, y0, z1)],
            "back": [(x0, y1, z0), (x0, y0, z0), (x0, y0, z1), (x0, y1, z1)],
            "left": [(x1, y1, z0), (x0, y1, z0), (x0, y1, z1), (x1, y1, z1)],
            "right": [(x0, y0, z0), (x1, y0, z0), (x1, y0, z1), (x0, y0, z1)],
            "top": [(x0, y0, z1), (x1, y0, z1), (x1, y1, z1), (x0, y1, z1)],
        }
        for quad in faces.values():
            self.face(quad, colour)
        return faces

    def wheel(self, x: float, y: float, radius: float) -> None:
        """A wheel whose outside faces away from the middle of the vehicle."""
        if not self._outside_visible(x, y, math.copysign(1.0, y)):
            return
        angles = np.linspace(0, 2 * math.pi, 15)[:-1]
        for r, colour in ((radius, (26, 26, 27)), (radius * 0.62, (124, 126, 128)), (radius * 0.2, (60, 60, 62))):
            ring = [(x + r * math.cos(a), y, radius + r * math.sin(a)) for a in angles]
            self.canvas.polygon(self.world(ring), shaded(colour, 0.5 + 0.4 * self.sunlight))

    def _outside_visible(self, x: float, y: float, side: float) -> bool:
        inner, outer = self.world([(x, y - side, 0.4), (x, y, 0.4)])
        return float((outer - inner) @ (np.asarray(self.canvas.camera.position) - outer)) > 0


def draw_car(local: LocalSpace, car: Vehicle) -> None:
    """A car: body, wheels, cabin with glass, lamps."""
    half, w, h, z0 = car.length / 2, car.width / 2, car.height, car.clearance
    belt = 0.60 * h + 0.06
    boot = (-half + (0.75 if car.shape == "saloon" else 0.12), belt + 0.02)
    nose = [(half, 0.36), (half, 0.60), (half - 0.14, 0.70), (half - 1.05, belt)]
    profile = [*nose, boot, (-half + 0.03, belt - 0.10), (-half, 0.62), (-half + 0.06, 0.34)]
    for (xa, za), (xb, zb) in itertools.pairwise(profile):
        ya, yb = (w - (0.08 if z > 0.65 else 0.0) for z in (za, zb))
        local.face([(xa, -ya, za), (xa, ya, za), (xb, yb, zb), (xb, -yb, zb)], car.paint)
    for side in (-1.0, 1.0):
        upper = [(x, side * (w - (0.08 if z > 0.65 else 0.0)), z) for x, z in profile]
        lower: Polygon = [
            (half, side * w, 0.42),
            (half - 0.1, side * w, z0),
            (-half + 0.1, side * w, z0),
            (-half, side * w, 0.42),
        ]
        local.face(lower if side > 0 else lower[::-1], car.paint, 0.62)
        hull: Polygon = [(half, side * w, 0.40), *upper[1:7], (-half, side * w, 0.40)]
        local.face(hull[::-1] if side > 0 else hull, car.paint)
        for x in (half - 0.82, -half + 0.80):
            local.wheel(x, side * (w + 0.01), 0.33)
    _cabin(local, car, belt)
    for side in (-1, 1):
        y0, y1 = sorted((side * (w - 0.10), side * (w - 0.48)))
        local.face(
            [(half + 0.01, y0, 0.56), (half + 0.01, y1, 0.56), (half - 0.05, y1, 0.69), (half - 0.05, y0, 0.69)],
            (226, 232, 234),
            1.1,
        )
        local.face(
            [(-half - 0.01, y1, 0.62), (-half - 0.01, y0, 0.62), (-half, y0, 0.78), (-half, y1, 0.78)],
            (36, 34, 190),
            1.25,
        )
    local.face(
        [(half + 0.01, -0.45, 0.40), (half + 0.01, 0.45, 0.40), (half + 0.01, 0.45, 0.54), (half + 0.01, -0.45, 0.54)],
        (34, 34, 36),
    )
    local.face(
        [
            (-half - 0.01, 0.27, 0.46),
            (-half - 0.01, -0.27, 0.46),
            (-half - 0.01, -0.27, 0.58),
            (-half - 0.01, 0.27, 0.58),
        ],
        (196, 204, 206),
    )


def _cabin(local: LocalSpace, car: Vehicle, belt: float) -> None:
    half, w, h = car.length / 2, car.width / 2 - 0.07, car.height
    front = half - 1.0
    back = {"saloon": -half + 0.72, "hatch": -half + 0.14, "estate": -half + 0.10}[car.shape]
    roof_front, roof_back = front - 0.78, back + (0.62 if car.shape == "saloon" else 0.30)
    top = w - 0.17
    glass: Colour = (74, 66, 58)
    windscreen: Polygon = [(front, -w, belt), (front, w, belt), (roof_front, top, h), (roof_front, -top, h)]
    rear: Polygon = [(back, w, belt), (back, -w, belt), (roof_back, -top, h), (roof_back, top, h)]
    left: Polygon = [(front, w, belt), (back, w, belt), (roof_back, top, h), (roof_front, top, h)]
    right: Polygon = [(back, -w, belt), (front, -w, belt), (roof_front, -top, h), (roof_back, -top, h)]
    quads: list[tuple[Polygon, tuple[tuple[float, float, float, float], ...], float]] = [
        (windscreen, ((0.05, 0.06, 0.95, 0.92),), 1.15),
        (rear, ((0.08, 0.16, 0.92, 0.88),), 0.9),
        (left, ((0.10, 0.12, 0.47, 0.86), (0.51, 0.12, 0.90, 0.86)), 1.0),
        (right, ((0.10, 0.12, 0.49, 0.86), (0.53, 0.12, 0.90, 0.86)), 1.0),
    ]
    for quad, panes, gain in quads:
        local.face(quad, car.paint, 0.92)
        for u0, v0, u1, v1 in panes:
            local.inset(quad, (u0, v0, u1, v1), glass, gain)
            local.inset(quad, (u0, v0 + (v1 - v0) * 0.62, u1, v1), (128, 116, 102), gain)
    local.face(
        [(roof_back, -top, h), (roof_front, -top, h), (roof_front, top, h), (roof_back, top, h)], car.paint, 1.04
    )
    middle = (roof_back + roof_front) / 2
    local.face(
        [
            (middle, -top + 0.1, h),
            (roof_front - 0.1, -top + 0.1, h),
            (roof_front - 0.1, top - 0.1, h),
            (middle, top - 0.1, h),
        ],
        car.paint,
        1.12,
    )
    for side in (-1.0, 1.0):
        local.canvas.disc(local.world([(front - 0.25, side * (w + 0.17), belt + 0.1)])[0], 0.1, shaded(car.paint, 0.6))


def draw_truck(local: LocalSpace, truck: Vehicle) -> None:
    """A delivery truck: chassis, load, cab; the farther part is drawn first."""
    half, w, h = truck.length / 2, truck.width / 2, truck.height
    split = half - 1.95

    def cab() -> None:
        faces = local.box((split + 0.1, -w + 0.08, 0.5), (half, w - 0.08, 0.76 * h), truck.paint)
        local.inset(faces["front"], (0.07, 0.52, 0.93, 0.92), (84, 74, 64), 1.1)
        local.inset(faces["front"], (0.07, 0.76, 0.93, 0.92), (132, 120, 106), 1.1)
        local.inset(faces["front"], (0.2, 0.16, 0.8, 0.34), (40, 40, 42))
        local.inset(faces["front"], (0.04, 0.03, 0.2, 0.13), (226, 232, 234), 1.2)
        local.inset(faces["front"], (0.8, 0.03, 0.96, 0.13), (226, 232, 234), 1.2)
        for name in ("left", "right"):
            u0, u1 = (0.12, 0.66) if name == "left" else (0.34, 0.88)
            local.inset(faces[name], (u0, 0.5, u1, 0.9), (76, 68, 60), 1.0)
            local.inset(faces[name], (u0, 0.04, u1, 0.08), truck.paint, 0.55)

    def load() -> None:
        if truck.shape == "box":
            body: Colour = (214, 218, 220) if sum(truck.paint) < 500 else (190, 186, 170)
            faces = local.box((-half, -w, 0.95), (split, w, h), body)
            for name in ("left", "right"):
                local.inset(faces[name], (0.0, 0.36, 1.0, 0.58), truck.paint, 1.0)
                for k in range(1, 6):
                    local.inset(faces[name], (k / 6, 0, k / 6 + 0.012, 1), body, 0.8)
            local.inset(faces["back"], (0.49, 0.02, 0.51, 0.98), body, 0.5)
            local.inset(faces["back"], (0.03, 0.03, 0.97, 0.07), (40, 40, 170), 1.1)
            local.inset(faces["top"], (0.04, 0.06, 0.96, 0.94), body, 0.94)
        else:
            local.box((-half, -w, 0.95), (split, w, 1.22), truck.paint)
            for k in range(3):
                x = -half + 0.3 + k * (truck.length - 2.6) / 3
                tall = 1.9 + 0.35 * ((k * 7 + int(truck.length * 10)) % 3)
                crate = local.box((x, -w + 0.25, 1.22), (x + (truck.length - 3.2) / 3, w - 0.25, tall), (74, 116, 156))
                for name in ("left", "right", "back"):
                    local.inset(crate[name], (0.0, 0.46, 1.0, 0.54), (54, 86, 120), 0.8)

    local.box((-half + 0.1, -w + 0.2, 0.45), (half - 0.2, w - 0.2, 0.95), (44, 44, 46))
    for x in (half - 1.15, -half + 1.3, -half + 2.3):
        for side in (-1, 1):
            local.wheel(x, side * w, 0.46)
    ahead = local.world([(half, 0, 0), (-half, 0, 0)])
    near = np.linalg.norm(ahead - np.asarray(local.canvas.camera.position), axis=1)
    for part in (load, cab) if near[0] < near[1] else (cab, load):
        part()


@dataclass(frozen=True)
class Appearance:
    """Appearance of one person; height in metres."""

    height: float
    shirt: Colour
    trousers: Colour
    skin: Colour
    hair: Colour
    bag: bool
    long_hair: bool
    skirt: bool
    stride: float = 1.0


def make_appearance(rng: np.random.Generator) -> Appearance:
    """A random person."""

    def pick(options: tuple[Colour, ...]) -> Colour:
        return options[int(rng.integers(len(options)))]

    return Appearance(
        float(rng.uniform(1.58, 1.9)), pick(SHIRTS), pick(TROUSERS), pick(SKINS), pick(HAIRS),
        bool(rng.random() < 0.4), bool(rng.random() < 0.4), bool(rng.random() < 0.2), float(rng.uniform(0.85, 1.15)),
    )  # fmt: skip


def draw_person(
    canvas: Canvas,
    person: Appearance,
    position: tuple[float, float],
    heading: float,
    phase: float,
    sunlight: float,
    moving: bool,
) -> None:
    """A walking (or standing) person; ``phase`` in radians of the step cycle."""
    ahead = np.array([math.cos(heading), math.sin(heading), 0.0])
    left = np.array([-ahead[1], ahead[0], 0.0])
    up = np.array([0.0, 0.0, 1.0])
    k = person.height / 1.75
    swing = 0.34 * person.stride * math.sin(phase) if moving else 0.05
    bob = 0.03 * abs(math.cos(phase)) if moving else 0.0
    foot = np.array([*position, 0.0])
    hip, chest = foot + up * (0.90 * k + bob), foot + up * (1.40 * k + bob)
    light = 0.52 + 0.5 * sunlight
    order = (-1, 1) if float((np.asarray(canvas.camera.position) - foot) @ left) > 0 else (1, -1)

    def leg(side: int) -> None:
        hip_joint = hip + left * side * 0.09 * k
        step = swing * side
        knee = hip_joint + ahead * (step * 0.55 + 0.05) * k - up * 0.43 * k
        ankle = foot + left * side * 0.09 * k + ahead * step * k + up * (0.08 + max(0.0, -step) * 0.3) * k
        skin_leg = person.skin if person.skirt else person.trousers
        canvas.line(hip_joint, knee, 0.085 * k, shaded(person.trousers, light * 0.92), 0.068 * k)
        canvas.line(knee, ankle, 0.066 * k, shaded(skin_leg, light * 0.85), 0.05 * k)
        canvas.line(ankle - up * 0.04, ankle + ahead * 0.15 * k - up * 0.05, 0.05 * k, shaded((40, 40, 44), light))

    def arm(side: int) -> None:
        shoulder = chest + left * side * 0.21 * k - up * 0.02
        elbow = shoulder - up * 0.28 * k - ahead * (swing * side * 0.5) * k + left * side * 0.04
        hand = elbow - up * 0.22 * k - ahead * (swing * side * 0.7 - 0.07) * k
        canvas.line(shoulder, elbow, 0.055 * k, shaded(person.shirt, light * 0.84), 0.048 * k)
        canvas.line(elbow, hand, 0.045 * k, shaded(person.skin, light * 0.95), 0.038 * k)

    leg(order[0])
    leg(order[1])
    arm(order[0])
    if person.skirt:
        canvas.line(hip - up * 0.02, hip - up * 0.34 * k, 0.15 * k, shaded(person.trousers, light), 0.20 * k)
    waist = hip + up * 0.06
    canvas.line(waist, chest - up * 0.05, 0.14 * k, shaded(person.shirt, light * 0.86), 0.175 * k)
    canvas.line(chest - left * 0.15 * k, chest + left * 0.15 * k, 0.075 * k, shaded(person.shirt, light))
    sunny = unit(np.array([TO_SUN[0], TO_SUN[1], 0.0])) * 0.06
    canvas.line(
        waist + sunny, chest + sunny - up * 0.05, 0.07 * k, shaded(person.shirt, 0.6 + 0.62 * sunlight), 0.09 * k
    )
    if person.bag:
        start, end = hip - ahead * 0.16 + up * 0.16, chest - ahead * 0.17 - up * 0.04
        canvas.line(start, end, 0.12 * k, shaded((44, 62, 74), light), 0.11 * k)
    arm(order[1])
    head = foot + up * (1.62 * k + bob) + ahead * 0.03
    canvas.line(chest, head, 0.055 * k, shaded(person.skin, light * 0.8))
    _draw_head(canvas, person, head, ahead, light)


def _draw_head(canvas: Canvas, person: Appearance, head: Array, ahead: Array, light: float) -> None:
    k, up = person.height / 1.75, np.array([0.0, 0.0, 1.0])
    canvas.disc(head, 0.115 * k, shaded(person.skin, light * 1.04))
    canvas.disc(head + up * 0.035 * k - ahead * 0.035 * k, 0.112 * k, shaded(person.hair, light))
    if person.long_hair:
        canvas.line(
            head - ahead * 0.06, head - ahead * 0.08 - up * 0.2 * k, 0.09 * k, shaded(person.hair, light), 0.07 * k
        )
