import { expect, test } from "vitest";
import { barChartSvg } from "../../support/bar-chart.ts";

test("each panel has a scale of its own", () => {
  const svg = barChartSvg({
    title: "CPU <time> & more",
    subtitle: "median",
    panels: [
      {
        title: "small",
        bars: [
          { name: "a", value: 5, color: "#c00" },
          { name: "b", value: 10, range: [8, 20], label: "10 us", color: "#06c" },
        ],
      },
      { title: "large", bars: [{ name: "c", value: 1e6, color: "#0c0" }] },
    ],
  });
  const widths = [...svg.matchAll(/<rect x="290" y="\d+" width="([\d.]+)"/g)].map(([, width]) =>
    Number(width),
  );
  expect(widths).toEqual([105, 210, 420]);
  expect(svg).toContain("M458 ");
  expect(svg).toContain("H710M710");
  for (const label of ["CPU &lt;time> &amp; more", ">small<", ">large<", ">5<", ">10 us<", ">1000000<"])
    expect(svg).toContain(label);
});

test("what is below 0 has no bar, and nothing is an empty chart", () => {
  const bars = [{ name: "a", value: -3, range: [-5, -1] as [number, number], color: "red" }];
  const svg = barChartSvg({
    title: "t",
    subtitle: "s",
    panels: [
      { title: "p", bars },
      { title: "q", bars: [] },
    ],
  });
  expect(svg).toContain('width="0"');
  expect(svg).toContain(">-3<");
  expect(svg).not.toMatch(/NaN|Infinity|="-/);
});
