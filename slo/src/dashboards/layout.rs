//! Where panels stand: shelves of 24 columns, filled from left to right, from top to bottom.
//!
//! Must never need to know what a panel shows.

use super::grafana::{GridPos, Panel};
use super::panel;

/// Columns of Grafana's grid.
pub(super) const COLUMNS: u32 = 24;

/// Panels in reading order, each with its place.
#[derive(Debug, Default)]
pub(super) struct Page {
    panels: Vec<Panel>,
    top: u32,
}

impl Page {
    /// The head of what follows.
    pub(super) fn row(&mut self, title: &str) {
        self.place(panel::row(title), GridPos { h: 1, w: COLUMNS, x: 0, y: self.top });
        self.top += 1;
    }

    /// Panels side by side, `height` rows high. Each is given its share of the width; together they fill it.
    pub(super) fn shelf<const N: usize>(&mut self, height: u32, panels: [(u32, Panel); N]) {
        let mut x = 0;
        for (width, panel) in panels {
            self.place(panel, GridPos { h: height, w: width, x, y: self.top });
            x += width;
        }
        self.top += height;
    }

    fn place(&mut self, panel: Panel, grid_pos: GridPos) {
        let id = self.panels.last().map_or(1, |last| last.id + 1);
        self.panels.push(Panel { id, grid_pos, ..panel });
    }

    /// All of them.
    pub(super) fn done(self) -> Vec<Panel> {
        self.panels
    }
}
