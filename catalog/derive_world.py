#!/usr/bin/env python3
"""Derives catalog/world.json: outlines of land and a point for each country, for the map of `causeway plan --html`.

    python3 catalog/derive_world.py LAND-110M.json COUNTRIES-50M.json ISO3166-1.json > catalog/world.json

The first two are TopoJSON files of the npm package world-atlas 2.0.2 (Natural Earth 4.1.0, public domain), the last is the
file of that name in the PyPI package pycountry 26.2.16: it only turns numeric codes into those of two letters.

Land: the rings at 1:110 million, thinned by Douglas and Peucker (1973) to TOLERANCE degrees, without Antarctica and without
islands smaller than SMALLEST square degrees. A country's point is the centroid of its largest ring at 1:50 million.
Coordinates are tenths of a degree, longitude before latitude.
"""
import json
import sys

TOLERANCE = 0.35
SMALLEST = 0.8
SOUTH = -60.0


def rings(topology, geometry):
    scale, move = topology["transform"]["scale"], topology["transform"]["translate"]
    lines = []
    for arc in topology["arcs"]:
        x = y = 0
        line = []
        for dx, dy in arc:
            x, y = x + dx, y + dy
            line.append((x * scale[0] + move[0], y * scale[1] + move[1]))
        lines.append(line)
    if geometry["type"] == "GeometryCollection":
        for one in geometry["geometries"]:
            yield from rings(topology, one)
        return
    polygons = {"Polygon": lambda: [geometry["arcs"]], "MultiPolygon": lambda: geometry["arcs"]}[geometry["type"]]()
    for polygon in polygons:
        ring = []
        for index in polygon[0]:  # the outer ring; lakes are not drawn
            line = lines[index] if index >= 0 else lines[~index][::-1]
            ring += line[1:] if ring else line
        yield unwrapped(ring)


def unwrapped(ring):
    """The same ring without a jump of 360 degrees where it crosses the date line."""
    out = ring[:1]
    for x, y in ring[1:]:
        out.append((x - 360 * round((x - out[-1][0]) / 360), y))
    return out


def cut(ring):
    """The parts of a ring on one map: what reaches over an edge comes in at the other (Sutherland and Hodgman 1974)."""
    for shift in (-360, 0, 360):
        part = [(x + shift, y) for x, y in ring]
        for edge, sign in ((-180, 1), (180, -1)):
            kept = []
            for a, b in zip(part[-1:] + part[:-1], part):
                inside = [(x - edge) * sign >= 0 for x, _ in (a, b)]
                if inside[0] != inside[1]:
                    kept.append((edge, a[1] + (b[1] - a[1]) * (edge - a[0]) / (b[0] - a[0])))
                if inside[1]:
                    kept.append(b)
            part = kept
        if part:
            yield part + part[:1] if part[0] != part[-1] else part


def area(ring):
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, ring[1:] + ring[:1])) / 2


def centroid(ring):
    # From the first point: cross products of small numbers lose fewer digits.
    x0, y0 = ring[0]
    near = [(x - x0, y - y0) for x, y in ring]
    pairs = list(zip(near, near[1:] + near[:1]))
    total = sum(a[0] * b[1] - b[0] * a[1] for a, b in pairs) / 2
    if abs(total) < 1e-9:
        return x0, y0
    x, y = (sum((a[i] + b[i]) * (a[0] * b[1] - b[0] * a[1]) for a, b in pairs) / (6 * total) for i in (0, 1))
    return x0 + x, y0 + y


def thin(line):
    if len(line) < 3:
        return line
    (ax, ay), (bx, by) = line[0], line[-1]
    length = ((bx - ax) ** 2 + (by - ay) ** 2) ** 0.5
    far, at = -1.0, 0
    for i, (x, y) in enumerate(line[1:-1], 1):
        if length < 1e-12:
            away = ((x - ax) ** 2 + (y - ay) ** 2) ** 0.5
        else:
            away = abs((bx - ax) * (ay - y) - (ax - x) * (by - ay)) / length
        if away > far:
            far, at = away, i
    if far <= TOLERANCE:
        return [line[0], line[-1]]
    return thin(line[: at + 1])[:-1] + thin(line[at:])


def tenths(point):
    return [round(point[0] * 10), round(point[1] * 10)]


def main():
    land, countries, iso = (json.load(open(path, encoding="utf-8")) for path in sys.argv[1:4])
    letters = {row["numeric"]: row["alpha_2"] for row in iso["3166-1"]}
    outlines = []
    for ring in rings(land, land["objects"]["land"]):
        if max(y for _, y in ring) < SOUTH or abs(area(ring)) < SMALLEST:
            continue
        for part in cut(ring):
            flat = [number for point in thin(part)[:-1] for number in tenths(point)]
            if len(flat) >= 6:
                outlines.append(flat)
    points = {}
    for geometry in countries["objects"]["countries"]["geometries"]:
        code = letters.get(geometry.get("id"))
        if code:
            x, y = centroid(max(rings(countries, geometry), key=lambda ring: abs(area(ring))))
            points[code] = tenths(((x + 180) % 360 - 180, y))
    print("{")
    print(' "format": "causeway/world/1",')
    print(' "about": "Outlines of land and one point for each country: a place on a map, not where a building stands. Tenths of a degree, longitude before latitude.",')
    print(' "source": "Natural Earth 4.1.0 (naturalearthdata.com), land at 1:110 million thinned to 0.35 degrees, countries at 1:50 million; read from the npm package world-atlas 2.0.2; made by catalog/derive_world.py",')
    print(' "licence": "Natural Earth is in the public domain",')
    print(' "countries": {')
    print(",\n".join(f'  "{code}": [{x}, {y}]' for code, (x, y) in sorted(points.items())))
    print(" },")
    print(' "land": [')
    print(",\n".join("  [" + ",".join(map(str, ring)) + "]" for ring in outlines))
    print(" ]")
    print("}")


main()
