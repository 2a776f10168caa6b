//! The samples of one series, written as promtool reads them. Owns the notation.

use std::fmt;

/// Samples at equal distances: pieces of a straight line, and gaps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Values {
    pieces: Vec<String>,
    /// The last value, from which the next piece goes on.
    last: i64,
}

impl Values {
    /// One sample.
    pub(super) fn starting_at(value: i64) -> Self {
        Self { pieces: vec![value.to_string()], last: value }
    }

    /// No sample yet for so many steps; the next piece is the first.
    pub(super) fn missing(mut self, steps: usize) -> Self {
        if steps > 0 {
            self.pieces.push(format!("_x{steps}"));
        }
        self
    }

    /// So many samples, each so much above the one before.
    pub(super) fn grow(self, by: i64, steps: usize) -> Self {
        let first = self.last + by;
        self.jump(first, by, steps)
    }

    /// So many samples from a value on: what a counter does when its process starts again.
    pub(super) fn jump(mut self, first: i64, by: i64, steps: usize) -> Self {
        let Some(more) = steps.checked_sub(1) else { return self };
        self.pieces.push(format!("{first}{by:+}x{more}"));
        self.last = first + by * i64::try_from(more).unwrap_or(i64::MAX);
        self
    }
}

impl fmt::Display for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.pieces.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_goes_on_where_the_one_before_ended() {
        let values = Values::starting_at(10).grow(5, 3).grow(0, 2).jump(0, 1, 2);
        assert_eq!(values.to_string(), "10 15+5x2 25+0x1 0+1x1");
    }

    #[test]
    fn a_gap_has_no_samples_and_no_steps_are_no_piece() {
        assert_eq!(Values::default().missing(3).jump(7, 0, 1).grow(1, 0).to_string(), "_x3 7+0x0");
    }
}
