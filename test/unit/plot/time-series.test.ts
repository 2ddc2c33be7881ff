import { expect, test } from "vitest";
import { timeSeriesSvg } from "../../../tools/lib/plot/time-series.ts";

test("a plot has its lines, axes, legend and events", () => {
  const svg = timeSeriesSvg({
    title: 'limits & "shares" <of a task>',
    x: "seconds",
    y: "requests a second",
    series: [
      {
        name: "limit",
        color: "#c00",
        points: [
          [0, 100],
          [5, 200],
          [10, 200],
        ],
        steps: true,
      },
      {
        name: "admitted",
        color: "#06c",
        points: [
          [0, 90],
          [5, 101],
          [10, 197],
        ],
      },
    ],
    events: [{ at: 5, label: "4 replicas" }],
  });
  expect(svg).toContain("limits &amp; &quot;shares&quot; &lt;of a task>");
  expect(svg).toContain('d="M64 206H452V80H840V80"');
  for (const label of ["limit", "admitted", "seconds", "requests a second", "4 replicas", ">200<", ">10<"])
    expect(svg).toContain(label);
});

test("nothing to draw is an empty plot", () => {
  const svg = timeSeriesSvg({ title: "t", x: "x", y: "y", series: [] });
  expect(svg).not.toMatch(/NaN|Infinity/);
});
