//! The domain the model was trained on: groups of features of which exactly one is set. Counts what is outside; never
//! refuses it.

use serde::Deserialize;

/// One categorical variable: the features `start..end`, of which a row of the domain sets exactly one to 1.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureGroup {
    /// The variable's name, for example `OPERA`.
    pub name: String,
    /// The first feature of the group.
    pub start: usize,
    /// One past the last feature of the group.
    pub end: usize,
}

/// Most rows of a domain that are numbered: 65,536, whose answers take half a megabyte.
const MOST_NUMBERED: usize = 1 << 16;

/// All groups of a model. A model without groups has no domain: every row is inside.
#[derive(Debug, Clone, Default)]
pub struct Domain {
    groups: Vec<FeatureGroup>,
    numbered: usize,
}

impl Domain {
    /// The domain of these groups.
    ///
    /// # Errors
    /// Says which group is empty or reaches beyond `features`.
    pub fn new(groups: Vec<FeatureGroup>, features: usize) -> Result<Self, String> {
        match groups.iter().find(|group| group.start >= group.end || group.end > features) {
            Some(FeatureGroup { name, start, end }) => {
                Err(format!("group {name} is {start}..{end}; expected a range within 0..{features}"))
            }
            None => Ok(Self { numbered: numbered(&groups, features), groups }),
        }
    }

    /// The groups, in the order of the features.
    #[must_use]
    pub fn groups(&self) -> &[FeatureGroup] {
        &self.groups
    }

    /// The groups in which `row` is not one-hot.
    pub fn violated<'a>(&'a self, row: &'a [f32]) -> impl Iterator<Item = &'a FeatureGroup> {
        self.groups.iter().filter(|group| hot(group, row).is_none())
    }

    /// The number of `row` among the rows of the domain, in the order of [`rows`](Self::rows). `None` for a row outside,
    /// and for every row of a domain that is not numbered: its groups don't follow each other over all features, or it
    /// has more than 65,536 rows.
    #[must_use]
    pub fn number(&self, row: &[f32]) -> Option<usize> {
        if self.numbered == 0 {
            return None;
        }
        self.groups
            .iter()
            .try_fold(0, |number, group| Some(number * (group.end - group.start) + hot(group, row)?))
    }

    /// All rows of a domain that is numbered; else none.
    pub fn rows(&self) -> impl Iterator<Item = Vec<f32>> {
        (0..self.numbered).map(|number| {
            let mut rest = number;
            let mut groups: Vec<Vec<f32>> = self
                .groups
                .iter()
                .rev()
                .map(|group| {
                    let width = group.end - group.start;
                    let set = rest % width;
                    rest /= width;
                    (0..width).map(|feature| if feature == set { 1.0 } else { 0.0 }).collect()
                })
                .collect();
            groups.reverse();
            groups.concat()
        })
    }
}

/// How many rows there are where the groups follow each other over all features; 0 where they don't, or there are too
/// many.
fn numbered(groups: &[FeatureGroup], features: usize) -> usize {
    let starts = std::iter::once(0).chain(groups.iter().map(|group| group.end));
    let ends = groups.iter().map(|group| group.start).chain(std::iter::once(features));
    if groups.is_empty() || !starts.eq(ends) {
        return 0;
    }
    let rows = groups.iter().try_fold(1_usize, |rows, group| rows.checked_mul(group.end - group.start));
    rows.filter(|rows| *rows <= MOST_NUMBERED).unwrap_or(0)
}

/// Which feature of the group is 1 while all others are 0.
#[expect(clippy::float_cmp, reason = "one-hot means the exact values 0 and 1")]
fn hot(group: &FeatureGroup, row: &[f32]) -> Option<usize> {
    let mut hot = None;
    for (feature, value) in row.get(group.start..group.end)?.iter().enumerate() {
        if *value == 1.0 && hot.is_none() {
            hot = Some(feature);
        } else if *value != 0.0 {
            return None;
        }
    }
    hot
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain() -> Domain {
        let group = |name: &str, start, end| FeatureGroup { name: name.to_owned(), start, end };
        Domain::new(vec![group("A", 0, 2), group("B", 2, 5)], 5).expect("groups within the row")
    }

    fn violated(row: &[f32]) -> Vec<String> {
        domain().violated(row).map(|group| group.name.clone()).collect()
    }

    #[test]
    fn a_one_hot_row_is_inside() {
        assert!(violated(&[0.0, 1.0, 1.0, 0.0, 0.0]).is_empty());
    }

    #[test]
    fn the_group_that_is_not_one_hot_is_named() {
        assert_eq!(violated(&[0.0, 1.0, 1.0, 1.0, 0.0]), ["B"]);
        assert_eq!(violated(&[0.0, 0.0, 1.0, 0.0, 0.0]), ["A"]);
        assert_eq!(violated(&[0.5, 0.5, 0.0, 0.0, 2.0]), ["A", "B"]);
        assert_eq!(violated(&[1.0, 0.5, 1.0, 0.0, 0.0]), ["A"]);
    }

    #[test]
    fn rows_are_numbered_in_their_order() {
        let rows: Vec<Vec<f32>> = domain().rows().collect();
        assert_eq!(rows.len(), 6);
        assert_eq!(rows[1], [1.0, 0.0, 0.0, 1.0, 0.0]);
        for (number, row) in rows.iter().enumerate() {
            assert_eq!(domain().number(row), Some(number));
        }
    }

    #[test]
    fn a_row_outside_has_no_number() {
        assert_eq!(domain().number(&[0.0, 1.0, 1.0, 1.0, 0.0]), None);
        assert_eq!(domain().number(&[0.0, 1.0, 1.0, 0.0]), None);
        assert_eq!(domain().number(&[0.0, 1.0, 1.0, 0.0, f32::NAN]), None);
    }

    #[test]
    fn groups_with_a_gap_between_them_are_not_numbered() {
        let group = |start, end| FeatureGroup { name: "A".to_owned(), start, end };
        for groups in
            [vec![], vec![group(0, 2)], vec![group(0, 2), group(3, 5)], vec![group(0, 3), group(2, 5)]]
        {
            let domain = Domain::new(groups, 5).unwrap();
            assert_eq!(domain.rows().count(), 0, "{domain:?}");
            assert_eq!(domain.number(&[1.0, 0.0, 0.0, 0.0, 0.0]), None, "{domain:?}");
        }
    }

    #[test]
    fn a_domain_of_too_many_rows_is_not_numbered() {
        let groups = |last: usize| {
            let group = |start, end| FeatureGroup { name: "A".to_owned(), start, end };
            vec![group(0, 256), group(256, 256 + last)]
        };
        assert_eq!(Domain::new(groups(256), 512).unwrap().rows().count(), 65_536);
        assert_eq!(Domain::new(groups(257), 513).unwrap().rows().count(), 0);
    }

    #[test]
    fn a_group_beyond_the_features_is_refused() {
        let beyond = FeatureGroup { name: "MES".to_owned(), start: 3, end: 6 };
        assert_eq!(
            Domain::new(vec![beyond], 5).unwrap_err(),
            "group MES is 3..6; expected a range within 0..5"
        );
    }
}
