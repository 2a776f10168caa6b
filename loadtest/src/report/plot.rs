//! Lines over one axis, as SVG. Must never know what they mean.

use plotters::prelude::*;

const COLOURS: [RGBColor; 3] =
    [RGBColor(0x00, 0x66, 0xB3), RGBColor(0xB0, 0x00, 0x20), RGBColor(0x4A, 0x4A, 0x4A)];

/// A picture of lines.
#[derive(Debug)]
pub(super) struct Plot {
    pub(super) title: String,
    pub(super) x: &'static str,
    pub(super) y: &'static str,
    pub(super) lines: Vec<Line>,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) name: &'static str,
    pub(super) points: Vec<(f64, f64)>,
}

/// A picture that can't be drawn.
#[derive(Debug, thiserror::Error)]
#[error("a plot can't be drawn: {0}")]
pub struct PlotError(String);

/// Width and height of one, in pixels.
const SIZE: (u32, u32) = (960, 360);

/// One picture of all of them, below each other.
pub(super) fn svg(plots: &[Plot]) -> Result<String, PlotError> {
    let mut svg = String::new();
    let error = |error: &dyn std::fmt::Display| PlotError(error.to_string());
    let count = u32::try_from(plots.len()).map_err(|many| error(&many))?;
    let all = SVGBackend::with_string(&mut svg, (SIZE.0, SIZE.1 * count)).into_drawing_area();
    for (plot, area) in plots.iter().zip(all.split_evenly((plots.len(), 1))) {
        plot.draw(&area).map_err(|failed| error(&failed))?;
    }
    all.present().map_err(|failed| error(&failed))?;
    drop(all);
    Ok(svg)
}

impl Plot {
    fn draw<'a>(
        &self,
        area: &DrawingArea<SVGBackend<'a>, plotters::coord::Shift>,
    ) -> Result<(), DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>> {
        area.fill(&WHITE)?;
        let all = || self.lines.iter().flat_map(|line| &line.points);
        let (right, top) =
            all().fold((1.0_f64, 1e-3_f64), |(right, top), (x, y)| (right.max(*x), top.max(*y)));
        let mut chart = ChartBuilder::on(area)
            .caption(&self.title, ("sans-serif", 18))
            .margin(16)
            .x_label_area_size(40)
            .y_label_area_size(64)
            .build_cartesian_2d(0.0..right, 0.0..top * 1.1)?;
        chart.configure_mesh().x_desc(self.x).y_desc(self.y).draw()?;
        for (line, colour) in self.lines.iter().zip(COLOURS.iter().cycle()) {
            chart
                .draw_series(LineSeries::new(line.points.iter().copied(), colour.stroke_width(2)))?
                .label(line.name)
                .legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::LowerRight)
            .background_style(WHITE)
            .border_style(BLACK)
            .draw()
    }
}
