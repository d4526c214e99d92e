"""Positions over time: vehicles follow each other and obey a traffic light, people walk."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from sample_scene.ground import CROSSING, CROSSING_HALF, CURB_FAR, CURB_NEAR, LANES, PARKING
from sample_scene.objects import CAR, TRUCK, Appearance, Vehicle, make_appearance, make_vehicle

STEP = 0.02
"""Time step of the simulation in seconds."""


@dataclass
class Driver:
    """A vehicle in its lane; ``s`` is the distance along the lane in metres, speeds are in metres per second."""

    track: int
    vehicle: Vehicle
    lane: int
    s: float
    speed: float
    desired_speed: float
    sway_phase: float


@dataclass(frozen=True)
class Walker:
    """A person who walks back and forth between two points, from ``start`` seconds."""

    track: int
    appearance: Appearance
    a: tuple[float, float]
    b: tuple[float, float]
    speed: float
    start: float
    standing: bool = False

    def state_at(self, time: float) -> tuple[float, float, float, float, bool]:
        """x, y, heading, step phase, whether the person moves."""
        distance = math.dist(self.a, self.b)
        heading = math.atan2(self.b[1] - self.a[1], self.b[0] - self.a[0])
        if self.standing:
            return (*self.a, heading + 0.2 * math.sin(0.5 * time + self.track), 0.0, False)
        walked = max(0.0, time - self.start) * self.speed
        lap, remainder = divmod(walked, distance)
        moving = time > self.start
        share = remainder / distance
        weave = 0.12 * math.sin(walked * 0.9 + self.track)
        phase = walked / (0.42 * self.appearance.height) * math.pi * 0.9
        if int(lap) % 2:
            share, heading = 1 - share, heading + math.pi
        x = self.a[0] + share * (self.b[0] - self.a[0]) - weave * math.sin(heading)
        y = self.a[1] + share * (self.b[1] - self.a[1]) + weave * math.cos(heading)
        return x, y, heading, phase, moving


@dataclass
class Traffic:
    """State of the street; ``advance`` only moves forward in time."""

    time: float
    red: tuple[float, float]
    drivers: list[Driver]
    walkers: list[Walker]
    parked: list[tuple[int, Vehicle, float, float, float]]
    first: float = field(default=-44.0)

    def position(self, driver: Driver) -> tuple[float, float, float]:
        """x, y, heading of a moving vehicle."""
        y, direction = LANES[driver.lane]
        x = self.first + driver.s if direction > 0 else -self.first + 24 - driver.s
        sway = 0.12 * math.sin(0.13 * driver.s + driver.sway_phase)
        return (
            x,
            y + sway,
            (0.0 if direction > 0 else math.pi) + 0.0156 * math.cos(0.13 * driver.s + driver.sway_phase) * direction,
        )

    def advance(self, time: float) -> None:
        """Simulate until ``time``."""
        while self.time < time:
            for lane in range(len(LANES)):
                self._drive(lane)
            self.time += STEP

    def _stop_line(self, lane: int) -> float:
        gap = CROSSING_HALF + 2.2
        if LANES[lane][1] > 0:
            return CROSSING - gap - self.first
        return -self.first + 24 - (CROSSING + gap)

    def _drive(self, lane: int) -> None:
        queue = sorted((d for d in self.drivers if d.lane == lane), key=lambda d: -d.s)
        red = self.red[0] <= self.time <= self.red[1]
        line = self._stop_line(lane)
        for leader, driver in zip([None, *queue], queue, strict=False):
            gap, closing = 1e3, 0.0
            if leader is not None:
                gap = leader.s - driver.s - (leader.vehicle.length + driver.vehicle.length) / 2
                closing = driver.speed - leader.speed
            to_line = line - driver.s - driver.vehicle.length / 2
            if red and 0 < to_line < gap and to_line > driver.speed**2 / 9:
                gap, closing = to_line, driver.speed
            desired_gap = 1.6 + max(0.0, driver.speed * 1.2 + driver.speed * closing / (2 * math.sqrt(1.6 * 2.2)))
            acceleration = 1.6 * (1 - (driver.speed / driver.desired_speed) ** 4 - (desired_gap / max(gap, 0.3)) ** 2)
            driver.speed = max(0.0, driver.speed + max(acceleration, -7.0) * STEP)
            driver.s += driver.speed * STEP


def _drivers(rng: np.random.Generator, span: float, density: float) -> list[Driver]:
    drivers: list[Driver] = []
    for lane in range(len(LANES)):
        s = 92.0 + float(rng.uniform(-8, 8))
        while s > 20.0 - span:
            vehicle = make_vehicle(rng, TRUCK if rng.random() < 0.2 else CAR)
            desired_speed = float(rng.uniform(7.5, 10.5)) * (0.85 if vehicle.class_id == TRUCK else 1.0)
            drivers.append(Driver(0, vehicle, lane, s, desired_speed * 0.8, desired_speed, float(rng.uniform(0, 6))))
            s -= vehicle.length + float(rng.uniform(5, 24)) / density
    return drivers


def _walkers(rng: np.random.Generator, count: int, red: tuple[float, float]) -> list[Walker]:
    walkers = []
    for k in range(count):
        appearance = make_appearance(rng)
        speed = float(rng.uniform(0.95, 1.55))
        draw = rng.random()
        if draw < 0.45:
            y0, y1 = rng.uniform(-9.0, CURB_NEAR - 0.8, 2)
            xs = (float(rng.uniform(-12, 0)), float(rng.uniform(4, 18)))
        elif draw < 0.75:
            y0, y1 = rng.uniform(CURB_FAR + 0.6, 18.6, 2)
            xs = (float(rng.uniform(-10, 8)), float(rng.uniform(12, 34)))
        elif draw < 0.88:
            x = float(CROSSING + rng.uniform(-1.5, 1.5))
            a, b = (x, CURB_NEAR - 1.0 - float(rng.uniform(0, 1.4))), (x, CURB_FAR + 1.2)
            if rng.random() < 0.5:
                a, b = b, a
            walkers.append(Walker(0, appearance, a, b, 1.5, red[0] + 4.0 + float(rng.uniform(0, 1.6))))
            continue
        else:
            x, y = float(rng.uniform(-8, 14)), float(rng.uniform(-7, 0.8))
            walkers.append(
                Walker(0, appearance, (x, y), (x + float(rng.uniform(-1, 1)), y + 1), 1.0, 0.0, standing=True)
            )
            walkers.append(Walker(0, make_appearance(rng), (x + 0.75, y + 0.25), (x, y), 1.0, 0.0, standing=True))
            continue
        ends = [(xs[0], float(y0)), (xs[1], float(y1))]
        if rng.random() < 0.5:
            ends.reverse()
        walkers.append(Walker(0, appearance, ends[0], ends[1], speed, -float(rng.uniform(0, 14)) - k * 0.01))
    return walkers


def make_traffic(rng: np.random.Generator, seconds: float, people: int, density: float = 1.0) -> Traffic:
    """Random traffic for ``seconds`` from time 0; the simulation starts 6 s earlier."""
    red_from = float(rng.uniform(0.2, 0.45)) * seconds
    red = (red_from, red_from + max(9.0, 0.4 * seconds))
    parked = []
    x = -28.0 + float(rng.uniform(0, 4))
    while x < 46:
        vehicle = make_vehicle(rng, TRUCK if rng.random() < 0.16 else CAR)
        if rng.random() < 0.62 and not abs(x + vehicle.length / 2 - CROSSING) < CROSSING_HALF + 4.5:
            y = PARKING + 0.1 + float(rng.uniform(-0.12, 0.12))
            parked.append((0, vehicle, x + vehicle.length / 2, y, math.pi + float(rng.normal(0, 0.02))))
        x += vehicle.length + float(rng.uniform(0.9, 1.6))
    traffic = Traffic(-6.0, red, _drivers(rng, 11 * seconds, density), _walkers(rng, people, red), parked)
    for number, driver in enumerate(traffic.drivers, 1):
        driver.track = number
    base = len(traffic.drivers) + 1
    traffic.parked = [(base + k, *entry[1:]) for k, entry in enumerate(parked)]
    base += len(parked)
    traffic.walkers = [
        Walker(base + k, w.appearance, w.a, w.b, w.speed, w.start, w.standing) for k, w in enumerate(traffic.walkers)
    ]
    traffic.advance(0.0)
    return traffic
