"""Static objects of the street: trees, lamp posts, benches, planters, a stall."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sample_scene.camera import Array, Canvas, Colour
from sample_scene.ground import TO_SUN
from sample_scene.objects import LocalSpace


@dataclass(frozen=True)
class Tree:
    """A street tree: trunk and a crown of leaf clusters."""

    x: float
    y: float
    height: float
    centres: Array
    radii: Array
    tones: Array
    tints: Array


def make_tree(rng: np.random.Generator, x: float, y: float) -> Tree:
    """A random tree at (x, y)."""
    height = float(rng.uniform(5.2, 6.6))
    n = 300
    direction = rng.standard_normal((n, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    reach = rng.uniform(0.35, 1.0, (n, 1)) ** 0.5
    centres = np.array([x, y, height * 0.72]) + direction * reach * np.array([1.75, 1.75, 1.45])
    radii = rng.uniform(0.07, 0.27, n)
    sun = (direction * reach) @ TO_SUN
    tones = 0.62 + 0.42 * sun + rng.normal(0, 0.10, n)
    order = np.argsort(sun + 0.5 * direction[:, 2])
    tints = rng.normal(0, 5, (n, 1)) * np.array([0.4, 0.8, 1.2])
    return Tree(x, y, height, centres[order], radii[order], tones[order], tints)


def draw_tree(canvas: Canvas, tree: Tree, time: float) -> None:
    """Draw a tree; its crown sways slightly in the wind."""
    base = np.array([tree.x, tree.y, 0.0])
    fork = base + np.array((0.06, 0.0, tree.height * 0.5))
    canvas.line(base, fork, 0.15, (52, 62, 74), 0.10)
    canvas.line(base + np.array((-0.05, -0.02, 0)), fork + np.array((-0.04, 0, 0)), 0.05, (84, 98, 112), 0.04)
    for turn in (0.6, 2.6, 4.4):
        canvas.line(fork, fork + np.array((0.8 * math.cos(turn), 0.8 * math.sin(turn), 1.2)), 0.06, (46, 56, 66), 0.03)
    sway = 0.05 * math.sin(1.7 * time + tree.x) + 0.03 * math.sin(4.3 * time + tree.y)
    shift = np.array([sway, sway * 0.6, 0.0])
    moved = tree.centres + shift * (tree.centres[:, 2:] - 2.5)
    light = np.clip(tree.tones, 0.22, 1.25)[:, None]
    canvas.discs(moved, tree.radii, light * np.array([44.0, 112.0, 92.0]) + tree.tints)


def draw_lamp(canvas: Canvas, x: float, y: float) -> None:
    """A lamp post with an arm over the road."""
    base, top = np.array([x, y, 0.0]), np.array([x, y, 7.2])
    canvas.line(base, base + np.array((0, 0, 0.9)), 0.12, (62, 66, 64), 0.11)
    canvas.line(base, top, 0.085, (74, 78, 76), 0.06)
    canvas.line(base + np.array((-0.03, -0.02, 0)), top + np.array((-0.02, 0, 0)), 0.025, (150, 154, 152), 0.018)
    canvas.line(top, top + np.array((0, 1.9, 0.25)), 0.05, (74, 78, 76), 0.04)
    canvas.line(top + np.array((0, 1.5, 0.18)), top + np.array((0, 2.2, 0.24)), 0.11, (120, 124, 124), 0.08)


def draw_stall(canvas: Canvas, x: float, y: float, sunlight: float) -> None:
    """A kiosk with an awning."""
    local = LocalSpace(canvas, x, y, 0.0, sunlight)
    faces = local.box((-1.5, -1.0, 0.0), (1.5, 1.0, 2.4), (88, 120, 96))
    local.inset(faces["right"], (0.12, 0.42, 0.88, 0.82), (52, 56, 60))
    local.inset(faces["right"], (0.12, 0.36, 0.88, 0.42), (150, 172, 186))
    for k in range(6):
        colour: Colour = (212, 216, 218) if k % 2 else (56, 60, 168)
        x0 = -1.6 + k * 3.2 / 6
        local.face(
            [(x0, -1.75, 2.15), (x0 + 3.2 / 6, -1.75, 2.15), (x0 + 3.2 / 6, -0.95, 2.55), (x0, -0.95, 2.55)], colour
        )


def draw_bench(canvas: Canvas, x: float, y: float, sunlight: float) -> None:
    """A wooden bench."""
    local = LocalSpace(canvas, x, y, 0.0, sunlight)
    for side in (-0.7, 0.7):
        local.box((side - 0.05, -0.22, 0.0), (side + 0.05, 0.22, 0.42), (60, 60, 62))
    local.box((-0.95, -0.25, 0.42), (0.95, 0.22, 0.48), (70, 104, 138))
    local.box((-0.95, 0.18, 0.55), (0.95, 0.24, 0.85), (70, 104, 138))


def draw_planter(canvas: Canvas, x: float, y: float, sunlight: float) -> None:
    """A concrete planter with a bush."""
    local = LocalSpace(canvas, x, y, 0.0, sunlight)
    local.box((-0.8, -0.4, 0.0), (0.8, 0.4, 0.5), (150, 154, 156))
    for k in range(26):
        a = k * 2.4
        r = 0.1 + 0.022 * k
        light = 0.55 + 0.5 * ((k * 37) % 11) / 11
        canvas.disc(
            np.array([x + 1.1 * r * math.cos(a), y + 0.5 * r * math.sin(a), 0.55 + 0.3 * ((k * 13) % 7) / 7]),
            0.14,
            (40 * light, 104 * light, 70 * light),
        )
