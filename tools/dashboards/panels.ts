import type { Builder, Dataquery } from "@grafana/grafana-foundation-sdk/cog";
import {
  BarAlignment,
  BigValueColorMode,
  BigValueGraphMode,
  type DataSourceRef,
  GraphDrawStyle,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  ScaleDistribution,
  ScaleDistributionConfigBuilder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from "@grafana/grafana-foundation-sdk/common";
import {
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
} from "@grafana/grafana-foundation-sdk/dashboard";
import {
  PanelBuilder as HeatMap,
  HeatmapColorMode,
  HeatmapColorOptionsBuilder,
  YAxisConfigBuilder,
} from "@grafana/grafana-foundation-sdk/heatmap";
import { PanelBuilder as Stat } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as TimeSeries } from "@grafana/grafana-foundation-sdk/timeseries";

/** Columns of Grafana's grid are 24. */
const HALF = 12;
const HEIGHT = 8;

/** A dashboard of this project: same tags, refresh and links. */
export function dashboard(uid: string, title: string, description: string): DashboardBuilder {
  return new DashboardBuilder(`Modelgate / ${title}`)
    .uid(uid)
    .description(description)
    .tags(["modelgate"])
    .time({ from: "now-1h", to: "now" })
    .refresh("30s")
    .timezone("browser")
    .readonly()
    .tooltip(DashboardCursorSync.Crosshair)
    .link(
      new DashboardLinkBuilder("Modelgate")
        .type(DashboardLinkType.Dashboards)
        .tags(["modelgate"])
        .asDropdown(true)
        .includeVars(true)
        .keepTime(true),
    );
}

interface PanelOptions {
  title: string;
  /** Of Grafana: reqps, percentunit, s, ms, bytes, short. */
  unit: string;
  source: DataSourceRef;
  queries: Builder<Dataquery>[];
  description?: string;
}

export function timeSeries(options: PanelOptions & { stacked?: boolean }): TimeSeries {
  const { title, unit, source, queries, description = "", stacked = false } = options;
  const panel = new TimeSeries()
    .title(title)
    .description(description)
    .datasource(source)
    .targets(queries)
    .unit(unit)
    .min(0)
    .span(HALF)
    .height(HEIGHT)
    .drawStyle(GraphDrawStyle.Line)
    .barAlignment(BarAlignment.Center)
    .fillOpacity(stacked ? 40 : 8)
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom)
        .showLegend(true)
        .calcs([]),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi));
  return stacked ? panel.stacking(new StackingConfigBuilder().mode(StackingMode.Normal)) : panel;
}

export function stat({ title, unit, source, queries, description = "" }: PanelOptions): Stat {
  return new Stat()
    .title(title)
    .description(description)
    .datasource(source)
    .targets(queries)
    .unit(unit)
    .span(4)
    .height(4)
    .colorMode(BigValueColorMode.None)
    .graphMode(BigValueGraphMode.Area)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(["lastNotNull"]).fields("").values(false));
}

export function heatMap({ title, unit, source, queries, description = "" }: PanelOptions): HeatMap {
  return new HeatMap()
    .title(title)
    .description(description)
    .datasource(source)
    .targets(queries)
    .span(HALF)
    .height(HEIGHT)
    .calculate(false)
    .color(new HeatmapColorOptionsBuilder().mode(HeatmapColorMode.Scheme).scheme("Blues").steps(64))
    .scaleDistribution(new ScaleDistributionConfigBuilder().type(ScaleDistribution.Log).log(10))
    .yAxis(new YAxisConfigBuilder().unit(unit));
}
